import { crc32 } from 'node:zlib';
import type { Coding, FileBlock } from '../reports/stored-form.ts';

/** Counts what is written to a file, and cuts it into the blocks that it is read back in. */
export interface BlockIndex {
  add(data: Uint8Array): void;
  /**
   * Of a coded file: what was added since the last cut inflates alone, to `rawBytes`. A block ends
   * here when it is long enough, or when nothing comes out of what was added (a head, a tail).
   */
  cut(rawBytes: number): void;
  /** All of them, with what is left. */
  end(): readonly FileBlock[];
}

/** Of a file that is not coded, every block but the last has so many bytes. */
export const BLOCK_BYTES = 1 << 20;
/** Of a coded file, a block has at least so many, but for the first and the last. */
const CODED_BLOCK_BYTES = 1 << 18;

export function createBlockIndex(coding: Coding): BlockIndex {
  const blocks: FileBlock[] = [];
  let bytes = 0;
  let rawBytes = 0;
  let crc = 0;

  function append(data: Uint8Array): void {
    bytes += data.length;
    crc = crc32(data, crc);
  }

  function close(): void {
    if (bytes === 0) return;
    blocks.push({ bytes, rawBytes: coding === 'gzip' ? rawBytes : bytes, crc32: crc });
    bytes = 0;
    rawBytes = 0;
    crc = 0;
  }

  return {
    add(data) {
      if (coding === 'gzip') {
        append(data);
        return;
      }
      for (let at = 0; at < data.length; ) {
        const part = data.subarray(at, at + BLOCK_BYTES - bytes);
        append(part);
        at += part.length;
        if (bytes === BLOCK_BYTES) close();
      }
    },
    cut(raw) {
      rawBytes += raw;
      if (raw === 0 || bytes >= CODED_BLOCK_BYTES) close();
    },
    end() {
      close();
      return blocks;
    },
  };
}
