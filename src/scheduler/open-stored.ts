import { readPiece } from '../cache/fragment-part.ts';
import type { StoredPiece } from '../reports/fragment.ts';

/** The compressed bytes of a piece on disk, checked, when they are asked for. */
export async function* openStored(home: string, piece: StoredPiece): AsyncGenerator<Uint8Array> {
  yield await readPiece(home, piece);
}
