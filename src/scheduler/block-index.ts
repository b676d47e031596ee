import { crc32 } from 'node:zlib';
import type { Coding, FileBlock } from '../reports/stored-form.ts';

/** A block of a coded file bears its stored bytes. */
export interface ClosedBlock extends FileBlock {
  readonly data: readonly Uint8Array[];
}

/** Counts what is written to a file, and cuts it into the blocks that it is read back in. */
export interface BlockIndex {
  /** @returns the blocks that it filled */
  add(data: Uint8Array): ClosedBlock[];
  /**
   * Of a coded file: what was added since the last cut inflates alone, to `rawBytes`. A block ends
   * here when it is long enough, or when nothing comes out of what was added (a head, a tail).
   */
  cut(rawBytes: number): ClosedBlock[];
  /** What is left. */
  end(): ClosedBlock[];
  readonly blocks: readonly FileBlock[];
}

/** Of a file that is not coded, every block but the last has so many bytes. */
export const BLOCK_BYTES = 1 << 20;
/** Of a coded file, a block has at least so many, but for the first and the last. */
const CODED_BLOCK_BYTES = 1 << 18;

export function createBlockIndex(coding: Coding): BlockIndex {
  const blocks: FileBlock[] = [];
  let open: Uint8Array[] = [];
  let bytes = 0;
  let rawBytes = 0;
  let crc = 0;

  function append(data: Uint8Array): void {
    // A copy: what was handed in may be used again.
    if (coding === 'gzip') open.push(Uint8Array.from(data));
    bytes += data.length;
    crc = crc32(data, crc);
  }

  function close(): ClosedBlock[] {
    if (bytes === 0) return [];
    const block = { bytes, rawBytes: coding === 'gzip' ? rawBytes : bytes, crc32: crc };
    const data = open;
    blocks.push(block);
    open = [];
    bytes = 0;
    rawBytes = 0;
    crc = 0;
    return [{ ...block, data }];
  }

  return {
    blocks,
    add(data) {
      if (coding === 'gzip') {
        append(data);
        return [];
      }
      const closed: ClosedBlock[] = [];
      for (let at = 0; at < data.length; ) {
        const part = data.subarray(at, at + BLOCK_BYTES - bytes);
        append(part);
        at += part.length;
        if (bytes === BLOCK_BYTES) closed.push(...close());
      }
      return closed;
    },
    cut(raw) {
      rawBytes += raw;
      return raw === 0 || bytes >= CODED_BLOCK_BYTES ? close() : [];
    },
    end: close,
  };
}
