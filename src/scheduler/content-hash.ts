import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, inflateRaw } from 'node:zlib';
import { DaybookError } from '../errors.ts';
import type { Coding } from '../reports/stored-form.ts';
import type { ClosedBlock } from './block-index.ts';

const inflateInThread = promisify(inflateRaw);

/** Hashes a file as people get it, from what is written to disk, beside the writing. */
export interface ContentHash {
  /** What is written, in order. */
  write(data: Uint8Array): void;
  /** A block that was written whole. Resolves when there is room for the next. */
  block(block: ClosedBlock): Promise<void>;
  /** @throws DaybookError `E_PART_DAMAGED` when a block does not inflate to what it says */
  end(): Promise<{ readonly bytes: number; readonly sha256: string }>;
}

/** Blocks that are inflated at once, and held. */
const AT_ONCE = 2;

export function openContentHash(coding: Coding): ContentHash {
  return coding === 'gzip' ? inflatingHash() : plainHash();
}

function plainHash(): ContentHash {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    write(data) {
      hash.update(data);
      bytes += data.length;
    },
    block: async () => {},
    end: async () => ({ bytes, sha256: hash.digest('hex') }),
  };
}

/** Inflates in the threads of the runtime, so that neither writing nor serving waits for it. */
function inflatingHash(): ContentHash {
  const hash = createHash('sha256');
  const underWay: Promise<void>[] = [];
  let last = Promise.resolve();
  let index = 0;
  let bytes = 0;

  async function take(block: ClosedBlock, name: string, before: Promise<void>): Promise<void> {
    const inflating = inflateBlock(block, name);
    // It may fail while the one before is awaited.
    inflating.catch(() => {});
    await before;
    const raw = await inflating;
    hash.update(raw);
    bytes += raw.length;
  }

  return {
    write() {},
    async block(block) {
      if (block.rawBytes === 0) return;
      last = take(block, `block ${index++}`, last);
      last.catch(() => {});
      underWay.push(last);
      if (underWay.length > AT_ONCE) await underWay.shift();
    },
    async end() {
      await last;
      return { bytes, sha256: hash.digest('hex') };
    },
  };
}

async function inflateBlock(block: ClosedBlock, name: string): Promise<Buffer> {
  const { data, rawBytes } = block;
  const damaged = (reason: string, cause?: unknown) =>
    new DaybookError('E_PART_DAMAGED', { got: name, reason }, cause);
  const raw = await inflateInThread(data.length === 1 ? data[0] : Buffer.concat(data), {
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: rawBytes + 1,
    chunkSize: Math.max(64, rawBytes + 1),
  }).catch((cause: Error) => {
    throw damaged(cause.message, cause);
  });
  if (raw.length !== rawBytes) throw damaged(`${raw.length} bytes came out of it, not ${rawBytes}`);
  return raw;
}
