import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { toFileError } from '../errors.ts';
import { rejectHeader, writeRejectsCsv, writeRejectsXlsx } from '../ingest/reject-file.ts';
import type { Database } from '../store/database.ts';
import { eachReject, type RejectFilter, rejectColumns } from '../store/rejects.ts';

/** Rejects as a file that goes out over HTTP. */

export const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
export const REJECT_FILES = {
  csv: { type: 'text/csv; charset=utf-8', write: writeRejectsCsv },
  xlsx: { type: XLSX, write: writeRejectsXlsx },
} as const;

const EXPORT_MS = 10 * 60_000;

/** Written to the disk first, so that a slow client holds no transaction open; then it is gone. */
export async function withRejectFile<T>(
  database: Database,
  filter: RejectFilter,
  format: keyof typeof REJECT_FILES,
  use: (chunks: AsyncGenerator<Buffer>, bytes: number) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-rejects-'));
  try {
    const path = join(folder, format);
    const out = createWriteStream(path);
    const written = finished(out);
    // A disk that is full ends the writing, which else would wait for room.
    const failed = written.then(() => new Promise<never>(() => {}));
    failed.catch(() => {});
    await database.asTenant(
      filter.tenantId,
      async (tx) => {
        const { columns, widest, hasSuggestions } = await rejectColumns(tx, filter);
        const header = rejectHeader(columns, widest, hasSuggestions);
        const write = REJECT_FILES[format].write(header, eachReject(tx, filter), out);
        await Promise.race([write, failed]);
      },
      { isolation: 'repeatable read', readOnly: true, statementTimeoutMs: EXPORT_MS },
    );
    if (!out.writableEnded) out.end();
    await written;
    return await use(piecesOf(path), (await stat(path)).size);
  } catch (error) {
    throw toFileError(error, 'a file of rejects');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  for await (const piece of createReadStream(path)) yield piece as Buffer;
}
