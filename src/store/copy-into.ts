import { from as copyFrom } from 'pg-copy-streams';
import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';

/** No byte taken by the database for so long: it is gone. */
const STALLED_MS = 120_000;

/**
 * Feeds a binary COPY into a table of this transaction, a temporary one: row-level security forbids
 * COPY into tables of tenants. Whatever goes wrong on either side ends both.
 * @param fill writes the bytes, header and trailer included
 * @throws DaybookError `E_UNAVAILABLE` when the database is lost; what `fill` throws
 */
export async function copyInto<T>(
  tx: Tx,
  table: string,
  columns: readonly string[],
  fill: (write: (bytes: Buffer) => Promise<void>) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const client = await tx.connection();
  const copy = client.query(
    copyFrom(`copy ${table} (${columns.join(', ')}) from stdin (format binary)`),
  );
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const lost = (error?: Error) =>
    fail(
      new DaybookError(
        'E_UNAVAILABLE',
        { what: 'the database', reason: error?.message ?? 'the connection ended' },
        error,
      ),
    );
  const cancelled = () => fail(signal.reason);
  copy.on('error', fail);
  client.on('error', lost);
  client.on('end', lost);
  signal.addEventListener('abort', cancelled, { once: true });
  const write = (bytes: Buffer) =>
    Promise.race([
      failed,
      withinStall(
        new Promise<void>((resolve, reject) => {
          copy.write(bytes, (error) => (error ? reject(error) : resolve()));
        }),
        lost,
      ),
    ]);
  try {
    signal.throwIfAborted();
    const filled = await Promise.race([failed, fill(write)]);
    await Promise.race([
      failed,
      new Promise<void>((resolve) => {
        copy.end(() => resolve());
      }),
    ]);
    return filled;
  } catch (error) {
    await abandon(copy, error);
    throw error;
  } finally {
    client.off('error', lost);
    client.off('end', lost);
    signal.removeEventListener('abort', cancelled);
  }
}

/** Tells the server that the COPY has failed, and waits until it has heard. */
async function abandon(
  copy: NodeJS.WritableStream & { destroy(error?: Error): void },
  why: unknown,
) {
  const heard = new Promise<void>((resolve) => {
    copy.once('close', resolve);
    setTimeout(resolve, 5_000).unref();
  });
  copy.on('error', () => {});
  copy.destroy(why instanceof Error ? why : new Error('abandoned'));
  await heard;
}

function withinStall<T>(promise: Promise<T>, lost: (error: Error) => void): Promise<T> {
  const timer = setTimeout(
    () => lost(new Error(`it took no rows for ${STALLED_MS / 1000} s`)),
    STALLED_MS,
  );
  return promise.finally(() => clearTimeout(timer));
}
