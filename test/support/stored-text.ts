import { crc32 } from 'node:zlib';
import { FINAL_BLOCK } from '../../src/reports/render/deflate.ts';
import { GZIP_HEAD, gzipTail } from '../../src/reports/render/gzip.ts';
import { deflateOwn, joinRuns } from '../../src/reports/render/splice.ts';
import type { FileBlock } from '../../src/reports/stored-form.ts';

/** A text as the runner stores it, a block for each of `pieces`, between a head and a tail. */
export function storedText(pieces: readonly Uint8Array[]): {
  readonly stored: Buffer;
  readonly blocks: readonly FileBlock[];
} {
  const runs = pieces.map((piece) => deflateOwn(piece));
  const tail = Buffer.concat([FINAL_BLOCK, gzipTail(joinRuns(runs))]);
  const parts = [
    { data: GZIP_HEAD, rawBytes: 0 },
    ...runs.map(({ data, rawBytes }) => ({ data, rawBytes })),
    { data: tail, rawBytes: 0 },
  ];
  return {
    stored: Buffer.concat(parts.map(({ data }) => data)),
    blocks: parts.map(({ data, rawBytes }) => ({
      bytes: data.length,
      rawBytes,
      crc32: crc32(data),
    })),
  };
}
