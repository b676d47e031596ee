import type { Tx } from './database.ts';

/** Links to sealed files, each for one recipient. The token itself is never kept. */

/** Times are UTC epoch ms. */
export interface DownloadLink {
  readonly id: string;
  readonly tenantId: string;
  readonly deliveryId: string;
  readonly reportFileId: string;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
  readonly downloads: number;
}

const COLUMNS = `id, tenant_id as "tenantId", delivery_id as "deliveryId",
  report_file_id as "reportFileId",
  floor(extract(epoch from expires_at) * 1000)::float8 as "expiresAt",
  floor(extract(epoch from revoked_at) * 1000)::float8 as "revokedAt", downloads`;

/**
 * The link of a token: made if it is new, else as it is, so that a retried mail says the same. In a
 * tenant transaction.
 */
export async function ensureLink(
  tx: Tx,
  link: {
    readonly tenantId: string;
    readonly deliveryId: string;
    readonly reportFileId: string;
    readonly tokenSha256: Buffer;
    readonly expiresAt: number;
  },
): Promise<DownloadLink> {
  const [row] = await tx.query<DownloadLink>(
    `insert into daybook.download_links
       (tenant_id, delivery_id, report_file_id, token_sha256, expires_at)
     values ($1, $2, $3, $4, timestamptz 'epoch' + $5::float8 * interval '1 millisecond')
     on conflict (tenant_id, delivery_id, report_file_id, token_sha256)
       do update set token_sha256 = excluded.token_sha256
     returning ${COLUMNS}`,
    [link.tenantId, link.deliveryId, link.reportFileId, link.tokenSha256, link.expiresAt],
  );
  return row;
}

/** Whose link it is, the token or the id alone tells: needs a system transaction. */
export async function findLink(
  tx: Tx,
  by: { readonly tokenSha256: Buffer } | { readonly id: string },
): Promise<DownloadLink | null> {
  const [column, value] = 'id' in by ? ['id', by.id] : ['token_sha256', by.tokenSha256];
  const [row] = await tx.query<DownloadLink>(
    `select ${COLUMNS} from daybook.download_links where ${column} = $1`,
    [value],
  );
  return row ?? null;
}

/** In a tenant transaction. */
export async function noteDownload(tx: Tx, id: string): Promise<void> {
  await tx.run(
    `update daybook.download_links
     set downloads = downloads + 1, last_download_at = now() where id = $1::uuid`,
    [id],
  );
}

/** Ends all links to a delivery's files. In a tenant transaction. */
export function revokeLinks(tx: Tx, deliveryId: string): Promise<number> {
  return tx.run(
    `update daybook.download_links set revoked_at = now()
     where delivery_id = $1::uuid and revoked_at is null`,
    [deliveryId],
  );
}
