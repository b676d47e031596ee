import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Tx } from '../../store/database.ts';
import { partNumbers, readSnapshotPiece } from '../../store/snapshots.ts';
import type { Bytes } from '../byte-source.ts';

const CHUNK_BYTES = 1 << 18;

/**
 * Writes the parts of a snapshot, in the order of their numbers, into one NDJSON file on the disk:
 * memory stays flat, and whoever loads it holds one connection and waits for no second one. Must be
 * closed.
 * @throws what `signal` was aborted with; DaybookError `E_UNAVAILABLE`
 */
export async function spoolSnapshot(
  within: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>,
  of: { readonly tenantId: string; readonly id: string },
  signal: AbortSignal,
): Promise<{ open(): Bytes; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-snapshot-'));
  const path = join(folder, 'rows.ndjson');
  const close = () => rm(folder, { recursive: true, force: true });
  try {
    const file = await open(path, 'w');
    try {
      for (const partNo of await within((tx) => partNumbers(tx, of.tenantId, of.id))) {
        const pieces = piecesOf(within, { ...of, partNo });
        await pipeline(
          Readable.from(pieces),
          createGunzip({ chunkSize: CHUNK_BYTES }),
          async (plain: AsyncIterable<Buffer>) => {
            for await (const bytes of plain) await file.write(bytes);
          },
          { signal },
        );
        // The last row of a part need not end with its line.
        await file.write('\n');
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { open: () => createReadStream(path, { highWaterMark: CHUNK_BYTES }), close };
}

async function* piecesOf(
  within: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>,
  of: { readonly tenantId: string; readonly id: string; readonly partNo: number },
): AsyncGenerator<Buffer> {
  for (let pieceNo = 0; ; pieceNo++) {
    const piece = await within((tx) => readSnapshotPiece(tx, of, pieceNo));
    if (piece === null) return;
    yield piece;
  }
}
