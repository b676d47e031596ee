import type { Tx } from './database.ts';

/** What was uploaded to be reconciled, as it came. All functions work within a tenant. */

export interface CarrierFileRow {
  readonly id: string;
  /** As it was called where it came from. */
  readonly name: string;
  /** Relative to the home folder. */
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly request: CarrierRequest;
  readonly uploadedBy: string;
}

/** What is asked of a carrier's file besides its period: plain data, as it is kept. */
export interface CarrierRequest {
  readonly tolerance_seconds: number;
  /** Exact text; null: a unit of the last digit of the coarser side. */
  readonly tolerance_amount: string | null;
  readonly trunk: string | null;
  readonly direction: string | null;
  /** What a leading 0 of a national number stands for. */
  readonly country_code: string | null;
  /** As it was written; null: none. */
  readonly map: unknown;
}

const COLUMNS = `id, name, path, bytes::float8 as bytes, sha256, request, uploaded_by as "uploadedBy"`;

/** Enters a file that stands whole on disk. */
export async function insertCarrierFile(
  tx: Tx,
  file: CarrierFileRow & { readonly tenantId: string },
): Promise<void> {
  await tx.run(
    `insert into daybook.carrier_files
       (tenant_id, id, name, path, bytes, sha256, request, uploaded_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      ...[file.tenantId, file.id, file.name, file.path, file.bytes, file.sha256],
      ...[JSON.stringify(file.request), file.uploadedBy],
    ],
  );
}

/** Null for an unknown id, which another tenant's is too. */
export async function findCarrierFile(tx: Tx, id: string): Promise<CarrierFileRow | null> {
  const [found] = await tx.query<CarrierFileRow>(
    `select ${COLUMNS} from daybook.carrier_files where id = $1::uuid`,
    [id],
  );
  return found ?? null;
}
