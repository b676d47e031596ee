import { readPiece } from '../cache/fragment-part.ts';
import type { StoredPiece } from '../reports/fragment.ts';
import type { OpenedPiece, OpenPiece } from '../reports/render/splice.ts';

/** Pieces that are read, and held, before they are asked for. */
const AHEAD = 3;

/**
 * The pieces with their compressed bytes, checked, in order; a few are read while earlier ones are
 * being used. Who stops early does not wait for pieces that are still to come.
 */
export async function* readPieces(
  home: string,
  pieces: AsyncIterable<StoredPiece>,
): AsyncGenerator<OpenedPiece> {
  const iterator = pieces[Symbol.asyncIterator]();
  const ahead: Promise<OpenedPiece | null>[] = [];
  const pull = async (): Promise<OpenedPiece | null> => {
    const { value: piece, done } = await iterator.next();
    if (done) return null;
    const reading = readPiece(home, piece);
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
