import { promisify } from 'node:util';
import { constants, crc32, deflateRaw, deflateRawSync } from 'node:zlib';
import type { Piece } from '../fragment.ts';

/** A deflate block that holds nothing and says that it is the last. */
export const FINAL_BLOCK = Buffer.from([0x03, 0x00]);

/**
 * Deflates whole rows into a piece that ends on a byte boundary without a final block, so that
 * pieces and {@link FINAL_BLOCK} in a row are one deflate stream.
 * @param raw is not kept
 */
export function deflatePiece(raw: Uint8Array, rows: number): DeflatedPiece {
  return pieceOf(raw, rows, deflateRawSync(raw, SETTINGS));
}

/**
 * {@link deflatePiece} beside this thread, which goes on meanwhile.
 * @param raw must not change before it is done
 */
export async function deflatePieceAside(raw: Uint8Array, rows: number): Promise<DeflatedPiece> {
  return pieceOf(raw, rows, await promisify(deflateRaw)(raw, SETTINGS));
}

export interface DeflatedPiece {
  readonly piece: Piece;
  readonly data: Buffer;
}

const SETTINGS = { level: 1, finishFlush: constants.Z_FULL_FLUSH, chunkSize: 1 << 18 };

function pieceOf(raw: Uint8Array, rows: number, data: Buffer): DeflatedPiece {
  const { length: bytes } = data;
  return { piece: { rows, bytes, rawBytes: raw.length, crc32: crc32(raw) }, data };
}
