import { readPiece } from '../cache/fragment-part.ts';
import type { StoredPiece } from '../reports/fragment.ts';
import type { OpenedPiece, OpenPiece } from '../reports/render/splice.ts';

/** Pieces that are held: the one that is being used, and those that are read before it is done. */
const AHEAD = 3;

/**
 * The pieces with their compressed bytes, checked, in order; a few are read while earlier ones are
 * being used. The bytes of one are good until the next is asked for. Who stops early does not wait
 * for pieces that are still to come.
 */
export async function* readPieces(
  home: string,
  pieces: AsyncIterable<StoredPiece>,
): AsyncGenerator<OpenedPiece> {
  const iterator = pieces[Symbol.asyncIterator]();
  const ahead: Promise<OpenedPiece | null>[] = [];
  // In turn, as many as are held: new memory for each piece costs more than reading it.
  const buffers: Buffer[] = new Array(AHEAD).fill(Buffer.alloc(0));
  let pulled = 0;
  const pull = async (): Promise<OpenedPiece | null> => {
    const turn = pulled++ % AHEAD;
    const { value: piece, done } = await iterator.next();
    if (done) return null;
    if (buffers[turn].length < piece.bytes) {
      buffers[turn] = Buffer.allocUnsafeSlow(piece.bytes + (piece.bytes >> 2));
    }
    const reading = readPiece(home, piece, buffers[turn]);
    // It may fail before it is asked for.
    reading.catch(() => {});
    return { piece, open: () => once(reading) };
  };
  try {
    for (;;) {
      while (ahead.length < AHEAD) {
        const next = pull();
        next.catch(() => {});
        ahead.push(next);
      }
      const opened = await ahead.shift();
      if (!opened) return;
      yield opened;
    }
  } finally {
    iterator.return?.().catch(() => {});
  }
}

/** The same for pieces that are all there, and are opened each once, in order. */
export function openInOrder(home: string, pieces: readonly StoredPiece[]): OpenPiece {
  const opened = readPieces(home, each(pieces));
  return async function* () {
    const { value, done } = await opened.next();
    if (!done) yield* value.open();
  };
}

async function* each(pieces: readonly StoredPiece[]): AsyncGenerator<StoredPiece> {
  yield* pieces;
}

async function* once(reading: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await reading;
}
