import { constants, crc32, deflateRawSync } from 'node:zlib';
import type { Piece } from '../fragment.ts';

/** A deflate block that holds nothing and says that it is the last. */
export const FINAL_BLOCK = Buffer.from([0x03, 0x00]);

/**
 * Deflates whole rows into a piece that ends on a byte boundary without a final block, so that
 * pieces and {@link FINAL_BLOCK} in a row are one deflate stream.
 * @param raw is not kept
 */
export function deflatePiece(raw: Uint8Array, rows: number): { piece: Piece; data: Buffer } {
  const data = deflateRawSync(raw, {
    level: 1,
    finishFlush: constants.Z_FULL_FLUSH,
    chunkSize: 1 << 18,
  });
  return {
    piece: { rows, bytes: data.length, rawBytes: raw.length, crc32: crc32(raw) },
    data,
  };
}
