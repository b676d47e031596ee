import { DaybookError } from '../../errors.ts';
import type { Chunk } from '../../reports/chunk.ts';
import type { Field } from '../../reports/dataset.ts';
import type { Tx } from '../../store/database.ts';
import { openCopyDecoder } from './copy-binary.ts';
import { CopyOut } from './copy-out.ts';

/**
 * The rows of a `COPY … TO STDOUT (FORMAT binary)` in chunks, as they come. Whoever stops before
 * their end gives the connection up with them.
 * @param query its columns are the fields, in their order
 * @param options.silenceMs no byte for so long: the server is frozen, or gone without a word
 * @throws DaybookError `E_UNAVAILABLE`
 */
export async function* copyChunks(
  tx: Pick<Tx, 'connection' | 'abandon'>,
  query: string,
  fields: readonly Field[],
  {
    signal,
    silenceMs,
    what = 'the database',
  }: { readonly signal: AbortSignal; readonly silenceMs: number; readonly what?: string },
): AsyncGenerator<Chunk> {
  const copy = new CopyOut(query);
  const decoder = openCopyDecoder(fields);
  const stop = () => copy.destroy(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const reason = `it sent no rows for ${silenceMs / 1000} s`;
  const lost = new DaybookError('E_UNAVAILABLE', { what, reason });
  let silence: NodeJS.Timeout | undefined;
  let whole = false;
  try {
    (await tx.connection()).query(copy);
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
    throw new DaybookError('E_UNAVAILABLE', { what, reason: (error as Error).message }, error);
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
