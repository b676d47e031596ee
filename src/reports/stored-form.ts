import type { Format } from './request.ts';

/** How a finished file stands on disk, and so in which forms it can be served. */

/** `gzip`: the file is one gzip member of what people get. */
export type Coding = 'identity' | 'gzip';

/**
 * A stretch of a stored file that is read and checked whole. Of a coded file each block inflates
 * alone, once the member's head is left out, so that reading can begin at any of them.
 */
export interface FileBlock {
  /** Stored. */
  readonly bytes: number;
  /** What they inflate to; of a file that is not coded the same as `bytes`. */
  readonly rawBytes: number;
  /** CRC-32 of the stored bytes, unsigned. */
  readonly crc32: number;
}

/** Text is stored coded: a fifth of the bytes to write, to keep, and to send to who accepts it. */
export function codingOf(format: Format): Coding {
  return format === 'csv' || format === 'ndjson' ? 'gzip' : 'identity';
}
