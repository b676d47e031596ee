import { DaybookError } from '../../errors.ts';
import { crc32Combine } from './crc32.ts';
import { deflatePiece, FINAL_BLOCK } from './deflate.ts';

/** A run of deflated bytes: its lengths and the CRC-32 of what it inflates to. */
export interface Run {
  readonly bytes: number;
  readonly rawBytes: number;
  readonly crc32: number;
}

/** Bytes of our own in front of or behind pieces, deflated as they are. */
export interface OwnRun extends Run {
  readonly data: Buffer;
}

export function deflateOwn(raw: Uint8Array): OwnRun {
  const { piece, data } = deflatePiece(raw, 0);
  return { bytes: piece.bytes, rawBytes: piece.rawBytes, crc32: piece.crc32, data };
}

/** A whole deflate stream of our own, for an entry that has no pieces. */
export function deflateWhole(raw: Uint8Array | string): OwnRun {
  const own = deflateOwn(typeof raw === 'string' ? Buffer.from(raw, 'utf8') : raw);
  return { ...joinRuns([own]), data: Buffer.concat([own.data, FINAL_BLOCK]) };
}

/** The runs in a row and the final block, as one deflate stream. */
export function joinRuns(runs: readonly Run[]): Run {
  let bytes = FINAL_BLOCK.length;
  let rawBytes = 0;
  let crc32 = 0;
  for (const run of runs) {
    bytes += run.bytes;
    rawBytes += run.rawBytes;
    crc32 = crc32Combine(crc32, run.crc32, run.rawBytes);
  }
  return { bytes, rawBytes, crc32 };
}

/** Opens the compressed bytes of a piece. */
export type OpenPiece = (index: number) => AsyncIterable<Uint8Array>;

/** A piece and the way to its compressed bytes. */
export interface OpenedPiece {
  readonly piece: Run;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** Pieces that are all there, in order. */
export async function* openedPieces(
  pieces: readonly Run[],
  openPiece: OpenPiece,
): AsyncGenerator<OpenedPiece> {
  for (const [index, piece] of pieces.entries()) yield { piece, open: () => openPiece(index) };
}

/** Takes bytes and resolves when it wants more. */
export type Sink = (bytes: Uint8Array) => Promise<void>;

/**
 * Copies a piece's compressed bytes, counting them. What they hold is not looked at.
 * @throws DaybookError `E_PART_DAMAGED` when there are more or fewer than the piece says
 */
export async function copyPiece(
  index: number,
  piece: Run,
  open: () => AsyncIterable<Uint8Array>,
  out: Sink,
  signal: AbortSignal,
): Promise<void> {
  let bytes = 0;
  for await (const chunk of open()) {
    signal.throwIfAborted();
    bytes += chunk.length;
    if (bytes > piece.bytes) break;
    await out(chunk);
  }
  if (bytes !== piece.bytes) {
    throw new DaybookError('E_PART_DAMAGED', {
      got: `piece ${index}`,
      reason: `it has ${bytes > piece.bytes ? 'more than ' : `${bytes}, not `}${piece.bytes} bytes`,
    });
  }
}
