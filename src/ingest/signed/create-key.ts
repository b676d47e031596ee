import { DaybookError } from '../../errors.ts';
import { parseLoadMap } from '../../mapping/parse-load-map.ts';
import { datasetOf } from '../../reports/dataset.ts';
import type { SealingKeys } from '../../secrets/sealed-secret.ts';
import type { Tx } from '../../store/database.ts';
import { insertIngestKey, newIngestKeyId } from '../../store/ingest-keys.ts';
import { INGEST_DATASETS, type IngestDataset } from './ingest-datasets.ts';
import { newSecret, parseSecret, sealKey, standardSecretText } from './secret.ts';
import type { Scheme } from './signature.ts';

export interface IngestKeyRequest {
  readonly tenantId: string;
  readonly name: string;
  /** Null: the name. */
  readonly source: string | null;
  readonly scheme: Scheme;
  /** One that the sender has chosen; null: a new one. */
  readonly secret: string | null;
  readonly header: string | null;
  /** Null: that of the scheme. */
  readonly prefix: string | null;
  readonly idHeader: string | null;
  /** Empty: all. */
  readonly datasets: readonly string[];
  /** Dataset → map. */
  readonly maps: Readonly<Record<string, unknown>>;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
}

const HEADER_NAME = /^[a-z0-9][a-z0-9-]{0,98}$/;
/** Where senders put a token when nothing else is said. */
const TOKEN_HEADER = { header: 'authorization', prefix: 'Bearer ' };

/**
 * Makes a key that signs batches; its secret is told this once.
 * @throws DaybookError `E_INVALID`, `E_MAP`
 */
export async function createIngestKey(
  tx: Tx,
  request: IngestKeyRequest,
  keys: SealingKeys,
): Promise<{ readonly id: string; readonly secret: string }> {
  const isStandard = request.scheme === 'standard';
  const id = newIngestKeyId();
  const secret = secretOf(request);
  const byDefault = request.scheme === 'token' ? TOKEN_HEADER : { header: null, prefix: '' };
  const header = headerOf('header', request.header ?? byDefault.header);
  if (isStandard !== (header === null)) {
    throw invalid(
      'header',
      header,
      isStandard ? 'none with the scheme standard' : "a header's name",
    );
  }
  const prefix = request.prefix ?? (request.header === null ? byDefault.prefix : '');
  if (!/^[\x20-\x7e]{0,50}$/.test(prefix)) {
    throw invalid('prefix', prefix, 'at most 50 visible ASCII characters');
  }
  await insertIngestKey(tx, {
    id,
    tenantId: request.tenantId,
    name: label('name', request.name),
    source: label('source', request.source ?? request.name),
    scheme: request.scheme,
    sealedSecret: sealKey(keys, { tenantId: request.tenantId, keyId: id }, secret.bytes),
    header,
    prefix,
    idHeader: isStandard ? null : headerOf('id_header', request.idHeader),
    datasets: request.datasets.length === 0 ? INGEST_DATASETS : request.datasets.map(parseDataset),
    maps: parseIngestMaps(request.maps),
    createdBy: request.createdBy,
    expiresAt: request.expiresAt,
  });
  return { id, secret: secret.text };
}

/**
 * Maps by dataset, as they were given.
 * @throws DaybookError `E_INVALID`, `E_MAP`
 */
export function parseIngestMaps(
  maps: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  for (const [name, map] of Object.entries(maps)) parseLoadMap(map, datasetOf(parseDataset(name)));
  return maps;
}

function secretOf({ scheme, secret }: IngestKeyRequest): { bytes: Buffer; text: string } {
  if (secret !== null) return { bytes: parseSecret(secret, scheme === 'standard'), text: secret };
  const made = newSecret();
  if (scheme === 'standard') return { bytes: made, text: standardSecretText(made) };
  const text = made.toString('hex');
  return { bytes: Buffer.from(text), text };
}

function parseDataset(name: string): IngestDataset {
  const dataset = INGEST_DATASETS.find((each) => each === name);
  if (dataset) return dataset;
  throw invalid('datasets', name, `any of ${INGEST_DATASETS.join(', ')}`);
}

function label(where: string, text: string): string {
  const trimmed = text.trim();
  if (trimmed !== '' && trimmed.length <= 100 && !/\p{Cc}/u.test(trimmed)) return trimmed;
  throw invalid(where, text, '1 to 100 characters, none of them a control character');
}

function headerOf(where: string, name: string | null): string | null {
  if (name === null) return null;
  const lower = name.toLowerCase();
  if (HEADER_NAME.test(lower)) return lower;
  throw invalid(where, name, "a header's name: letters, digits and hyphens");
}

function invalid(where: string, got: string | null, expected: string): DaybookError {
  const shown = got === null ? 'nothing' : JSON.stringify(got.slice(0, 100));
  return new DaybookError('E_INVALID', { where, got: shown, expected });
}
