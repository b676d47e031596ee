import { promisify } from 'node:util';
import { constants, crc32, inflateRaw } from 'node:zlib';
import { DaybookError } from '../../errors.ts';
import { copyPiece, type OpenPiece, type Run } from './splice.ts';

const inflateInThread = promisify(inflateRaw);

/**
 * Inflates pieces one after another, the next one while the last is being used, so that at most
 * two are held.
 * @throws DaybookError `E_PART_DAMAGED` when a piece is not what it says
 */
export async function* inflatePieces(
  pieces: readonly Run[],
  openPiece: OpenPiece,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let next: Promise<Buffer> | null = null;
  try {
    for (let index = 0; index < pieces.length; index++) {
      const raw: Buffer = await (next ?? inflatePiece(index, pieces[index], openPiece, signal));
      const following = index + 1;
      next =
        following < pieces.length
          ? inflatePiece(following, pieces[following], openPiece, signal)
          : null;
      // It may fail while nobody waits for it; it is awaited above or below.
      next?.catch(() => {});
      yield raw;
    }
  } finally {
    await next?.catch(() => {});
  }
}

async function inflatePiece(
  index: number,
  piece: Run,
  openPiece: OpenPiece,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  await copyPiece(index, piece, openPiece, async (chunk) => void chunks.push(chunk), signal);
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
