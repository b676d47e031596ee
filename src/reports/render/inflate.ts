import { promisify } from 'node:util';
import { constants, crc32, inflateRaw } from 'node:zlib';
import { DaybookError } from '../../errors.ts';
import { copyPiece, type OpenedPiece } from './splice.ts';

const inflateInThread = promisify(inflateRaw);

/**
 * Inflates pieces one after another, the next one while the last is being used, so that at most
 * two are held.
 * @throws DaybookError `E_PART_DAMAGED` when a piece is not what it says
 */
export async function* inflatePieces(
  pieces: AsyncIterable<OpenedPiece>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const iterator = pieces[Symbol.asyncIterator]();
  let index = 0;
  const ahead = async (): Promise<Buffer | null> => {
    const next = await iterator.next();
    return next.done ? null : inflatePiece(index++, next.value, signal);
  };
  let next = ahead();
  try {
    for (;;) {
      const raw = await next;
      if (raw === null) return;
      next = ahead();
      // It may fail while nobody waits for it; it is awaited above or below.
      next.catch(() => {});
      yield raw;
    }
  } finally {
    await next.catch(() => {});
    await iterator.return?.();
  }
}

async function inflatePiece(
  index: number,
  { piece, open }: OpenedPiece,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  await copyPiece(index, piece, open, async (chunk) => void chunks.push(chunk), signal);
  const raw = await inflateInThread(Buffer.concat(chunks), {
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: piece.rawBytes + 1,
    chunkSize: Math.max(64, piece.rawBytes + 1),
  }).catch((cause: unknown) => {
    throw damaged(index, String((cause as Error).message), cause);
  });
  if (raw.length !== piece.rawBytes) throw damaged(index, `${raw.length} bytes came out of it`);
  if (crc32(raw) !== piece.crc32) throw damaged(index, 'its CRC-32 differs');
  return raw;
}

function damaged(index: number, reason: string, cause?: unknown): DaybookError {
  return new DaybookError('E_PART_DAMAGED', { got: `piece ${index}`, reason }, cause);
}
