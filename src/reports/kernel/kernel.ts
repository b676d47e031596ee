import { KERNEL_BASE64 } from './kernel-bytes.ts';

/** What `wasm/kernel.ts` exports; addresses and lengths in bytes. It says what each one does. */
export interface KernelFunctions {
  deflateText(from: number, bytes: number, scratch: number, out: number): number;
  inflate(
    state: number,
    from: number,
    bytes: number,
    firstBit: number,
    window: number,
    out: number,
    end: number,
  ): number;
  decodeRows(from: number, end: number, columns: number, builders: number, state: number): number;
  packNumbers(rows: number, values: number, out: number): number;
  unpackNumbers(rows: number, from: number, end: number, values: number): number;
  packLengths(rows: number, offsets: number, out: number): number;
  unpackLengths(rows: number, from: number, end: number, offsets: number): number;
  equalCells(
    rows: number,
    offsets: number,
    bytes: number,
    wanted: number,
    length: number,
    out: number,
  ): void;
  gatherNumbers(rows: number, wanted: number, values: number, out: number): void;
  gatherBytes(
    rows: number,
    wanted: number,
    offsets: number,
    bytes: number,
    outOffsets: number,
    out: number,
  ): number;
  specialCells(
    rows: number,
    offsets: number,
    bytes: number,
    kinds: number,
    longest: number,
    out: number,
  ): number;
  replaceCells(
    rows: number,
    offsets: number,
    bytes: number,
    count: number,
    replaced: number,
    cellOffsets: number,
    cells: number,
    before: number,
    beforeLength: number,
    after: number,
    afterLength: number,
    outOffsets: number,
    out: number,
  ): number;
  integerCells(
    rows: number,
    values: number,
    limit: number,
    outOffsets: number,
    out: number,
  ): number;
  rangeOf(rows: number, values: number, limit: number, out: number): void;
  wallTimeCells(
    rows: number,
    values: number,
    stretches: number,
    count: number,
    limit: number,
    dayFirst: number,
    outOffsets: number,
    out: number,
  ): number;
  serialCells(
    rows: number,
    values: number,
    stretches: number,
    count: number,
    limit: number,
    epoch: number,
    first: number,
    last: number,
    fractions: number,
    fractionBytes: number,
    lengths: number,
    outOffsets: number,
    out: number,
  ): number;
  interleave(
    rows: number,
    columns: number,
    frames: number,
    begin: number,
    beginLength: number,
    beginTail: number,
    beginTailLength: number,
    end: number,
    endLength: number,
    firstRow: number,
    digits: number,
    out: number,
  ): number;
  interleaveLean(
    rows: number,
    columns: number,
    frames: number,
    end: number,
    endLength: number,
    out: number,
  ): number;
}

/** Bytes that the kernel's copies may touch behind a block; every block has them. */
const SLACK_BYTES = 16;
const ALIGNMENT = 16;
const PAGE_BYTES = 65_536;
/** The memory grows by this much at least, so that it does so seldom. */
const GROWTH_PAGES = 64;

/** What a function of the kernel answers when it could not do what it was asked. */
export const CANNOT = 0xffff_ffff;

/**
 * The kernel with a memory of its own. Blocks are allocated one behind the other and all given up
 * at once, by `reset`. Addresses stay as they are when the memory grows; views do not, so they are
 * made when they are needed and not kept.
 */
export class Kernel {
  readonly run: KernelFunctions;
  /** What `deflateText` needs besides its bytes. */
  readonly deflateScratchBytes: number;
  /** What `inflate` keeps of a stream. */
  readonly inflateStateBytes: number;
  readonly #memory: WebAssembly.Memory;
  readonly #base: number;
  #top: number;

  constructor() {
    const { exports } = new WebAssembly.Instance(compiled());
    this.run = exports as unknown as KernelFunctions;
    this.deflateScratchBytes = Number((exports.DEFLATE_SCRATCH_BYTES as WebAssembly.Global).value);
    this.inflateStateBytes = Number((exports.INFLATE_STATE_BYTES as WebAssembly.Global).value);
    this.#memory = exports.memory as WebAssembly.Memory;
    this.#base = aligned(Number((exports.HEAP as WebAssembly.Global).value));
    this.#top = this.#base;
  }

  /** Gives up every block. */
  reset(): void {
    this.#top = this.#base;
  }

  /** Room for so many bytes, aligned for any number; what stands there is anything. */
  allocate(bytes: number): number {
    const address = this.#top;
    this.#top = aligned(address + bytes + SLACK_BYTES);
    const missing = this.#top - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.max(GROWTH_PAGES, Math.ceil(missing / PAGE_BYTES)));
    return address;
  }

  /** Copies an array in; its address. */
  put(values: Uint8Array | Uint32Array | Float64Array): number {
    const address = this.allocate(values.byteLength);
    this.bytes(address, values.byteLength).set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    );
    return address;
  }

  /** Views that hold until the memory grows. */
  bytes(address: number, length: number): Buffer {
    return Buffer.from(this.#memory.buffer, address, length);
  }

  offsets(address: number, length: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, address, length);
  }

  numbers(address: number, length: number): Float64Array {
    return new Float64Array(this.#memory.buffer, address, length);
  }
}

let shared: Kernel | null = null;

/** One for all that begins and ends in a single call; emptied, so that nobody may keep a block. */
export function sharedKernel(): Kernel {
  shared ??= new Kernel();
  shared.reset();
  return shared;
}

let module: WebAssembly.Module | null = null;

function compiled(): WebAssembly.Module {
  module ??= new WebAssembly.Module(Buffer.from(KERNEL_BASE64, 'base64'));
  return module;
}

function aligned(address: number): number {
  return Math.ceil(address / ALIGNMENT) * ALIGNMENT;
}
