import { datasetOf } from '../../reports/dataset.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { copyChunks } from './copy-chunks.ts';
import { extractQuery } from './extract-query.ts';
import { readWindowVersions } from './window-versions.ts';

const SNAPSHOT = {
  isolation: 'repeatable read',
  readOnly: true,
  statementTimeoutMs: 15 * 60_000,
} as const;

/** No byte of a COPY for so long: the server is frozen, or gone without a word. */
const SILENCE_MS = 30_000;
/** One statement that looks versions up by key. */
const BY_KEY = { readOnly: true, single: true, prepared: true } as const;

/** Rows of Daybook's own tables, by COPY under the tenant's role; version and rows in one snapshot. */
export function createPostgresSource(
  database: Database,
  { silenceMs = SILENCE_MS }: { readonly silenceMs?: number } = {},
): RowSource {
  return {
    versions: ({ tenantId, dataset, windows }) =>
      database.asTenant(tenantId, (tx) => readWindowVersions(tx, dataset, windows), BY_KEY),

    read: ({ tenantId, dataset, window, signal }, consume) =>
      database.asTenant(
        tenantId,
        async (tx) => {
          signal.throwIfAborted();
          const [version] = await readWindowVersions(tx, dataset, [window]);
          const { fields } = datasetOf(dataset);
          const query = extractQuery(datasetOf(dataset), window.start, window.end);
          return consume({ version, chunks: copyChunks(tx, query, fields, { signal, silenceMs }) });
        },
        SNAPSHOT,
      ),
  };
}
