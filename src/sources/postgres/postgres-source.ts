import { DaybookError } from '../../errors.ts';
import type { Chunk } from '../../reports/chunk.ts';
import { datasetOf, type Field } from '../../reports/dataset.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { Database, Tx } from '../../store/database.ts';
import { openCopyDecoder } from './copy-binary.ts';
import { CopyOut } from './copy-out.ts';
import { extractQuery } from './extract-query.ts';
import { readWindowVersions } from './window-versions.ts';

const SNAPSHOT = {
  isolation: 'repeatable read',
  readOnly: true,
  statementTimeoutMs: 15 * 60_000,
} as const;

/** No byte of a COPY for so long: the server is frozen, or gone without a word. */
const SILENCE_MS = 30_000;

/** Rows of Daybook's own tables, by COPY under the tenant's role; version and rows in one snapshot. */
export function createPostgresSource(
  database: Database,
  { silenceMs = SILENCE_MS }: { readonly silenceMs?: number } = {},
): RowSource {
  return {
    versions: ({ tenantId, dataset, windows }) =>
      database.asTenant(tenantId, (tx) => readWindowVersions(tx, dataset, windows), {
        readOnly: true,
      }),

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

async function* copyChunks(
  tx: Tx,
  query: string,
  fields: readonly Field[],
  { signal, silenceMs }: { readonly signal: AbortSignal; readonly silenceMs: number },
): AsyncGenerator<Chunk> {
  const copy = new CopyOut(query);
  const decoder = openCopyDecoder(fields);
  const stop = () => copy.destroy(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const reason = `it sent no rows for ${silenceMs / 1000} s`;
  const lost = new DaybookError('E_UNAVAILABLE', { what: 'the database', reason });
  let silence: NodeJS.Timeout | undefined;
  let whole = false;
  try {
    tx.client.query(copy);
    for (;;) {
      // Only the server's silence counts, not the time that the rows take us.
      silence = setTimeout(() => copy.destroy(lost), silenceMs);
      const bytes = await copy.read();
      clearTimeout(silence);
      if (bytes === null) break;
      const { chunks, other } = decoder.push(bytes);
      if (other) copy.unread(other);
      yield* chunks;
    }
    whole = true;
    const last = decoder.end();
    if (last) yield last;
  } catch (error) {
    if (error instanceof DaybookError || signal.aborted) throw error;
    throw new DaybookError(
      'E_UNAVAILABLE',
      { what: 'the database', reason: (error as Error).message },
      error,
    );
  } finally {
    clearTimeout(silence);
    decoder.release();
    if (!whole) {
      tx.abandon(new Error('a COPY was given up'));
      copy.destroy(new Error('a COPY was given up'));
    }
    signal.removeEventListener('abort', stop);
  }
}
