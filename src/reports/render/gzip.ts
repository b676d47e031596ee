/** A gzip member's head: deflate, no name, no time, no operating system named. */
export const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

/** A member's tail: CRC-32 and length, modulo 2^32, of what was deflated. */
export function gzipTail(content: { readonly crc32: number; readonly rawBytes: number }): Buffer {
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(content.crc32, 0);
  tail.writeUInt32LE(content.rawBytes % 2 ** 32, 4);
  return tail;
}
