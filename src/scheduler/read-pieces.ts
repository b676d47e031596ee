import { readPieces } from '../cache/fragment-part.ts';
import type { StoredPiece } from '../reports/fragment.ts';
import type { OpenedPiece, OpenPiece } from '../reports/render/splice.ts';

/** Reads that are held: the one that is being used, and those that are made before it is done. */
const AHEAD = 3;
/** Pieces that stand together are read together, up to so many bytes. */
const READ_BYTES = 1 << 20;

interface PieceRead {
  readonly pieces: readonly StoredPiece[];
  readonly data: Promise<readonly Buffer[]>;
}

/**
 * The pieces with their compressed bytes, checked, in order; some are read while earlier ones are
 * being used. The bytes of one are good until the next is asked for. Who stops early does not wait
 * for pieces that are still to come.
 * @param days the pieces of one day, and of the next, as they come
 */
export async function* openAhead(
  home: string,
  days: AsyncIterable<readonly StoredPiece[]>,
): AsyncGenerator<OpenedPiece> {
  const reads = readsOf(days);
  const ahead: Promise<PieceRead | null>[] = [];
  // In turn, as many as are held: new memory for each read costs more than the reading.
  const buffers: Buffer[] = new Array(AHEAD).fill(Buffer.alloc(0));
  let pulled = 0;
  const pull = async (): Promise<PieceRead | null> => {
    const turn = pulled++ % AHEAD;
    const { value: pieces, done } = await reads.next();
    if (done) return null;
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
    if (buffers[turn].length < bytes)
      buffers[turn] = Buffer.allocUnsafeSlow(Math.max(bytes, READ_BYTES));
    const data = readPieces(home, pieces, buffers[turn]);
    // It may fail before it is asked for.
    data.catch(() => {});
    return { pieces, data };
  };
  try {
    for (;;) {
      while (ahead.length < AHEAD) {
        const next = pull();
        next.catch(() => {});
        ahead.push(next);
      }
      const read = await ahead.shift();
      if (!read) return;
      const { pieces, data } = read;
      for (const [index, piece] of pieces.entries()) {
        yield { piece, open: () => oneOf(data, index) };
      }
    }
  } finally {
    reads.return(undefined).catch(() => {});
  }
}

/** The same for pieces that are all there, and are opened each once, in order. */
export function openInOrder(home: string, pieces: readonly StoredPiece[]): OpenPiece {
  const opened = openAhead(home, only(pieces));
  return async function* () {
    const { value, done } = await opened.next();
    if (!done) yield* value.open();
  };
}

/** What is read at once. */
async function* readsOf(
  days: AsyncIterable<readonly StoredPiece[]>,
): AsyncGenerator<StoredPiece[]> {
  for await (const day of days) {
    let open: StoredPiece[] = [];
    let bytes = 0;
    for (const piece of day) {
      const last = open.at(-1);
      const isNext = last?.path === piece.path && last.offset + last.bytes === piece.offset;
      if (last && (!isNext || bytes + piece.bytes > READ_BYTES)) {
        yield open;
        open = [];
        bytes = 0;
      }
      open.push(piece);
      bytes += piece.bytes;
    }
    if (open.length > 0) yield open;
  }
}

async function* only<T>(value: T): AsyncGenerator<T> {
  yield value;
}

async function* oneOf(data: Promise<readonly Buffer[]>, index: number): AsyncGenerator<Buffer> {
  yield (await data)[index];
}
