import { DaybookError } from '../errors.ts';
import { Kernel } from '../reports/kernel/kernel.ts';

/** How far a match reaches back. */
const WINDOW_BYTES = 1 << 15;
/** Input that is taken at once, behind what was left of the input before. */
const INPUT_BYTES = 1 << 18;
/** The head of a block, which is taken as a whole, is shorter. */
const LEFT_BYTES = 1 << 12;
const OUTPUT_BYTES = 1 << 18;

/** As `wasm/inflate.ts` answers. */
const FULL = 1;
const ENDED = 2;
const DAMAGED = 3;

/**
 * Inflates one stream (RFC 1951) after another, in one memory of about a megabyte that is used again
 * and again: what goes to people by the gigabyte is no work for the collector of garbage.
 */
export class Inflater {
  readonly #kernel = new Kernel();
  readonly #state = this.#kernel.allocate(this.#kernel.inflateStateBytes);
  readonly #input = this.#kernel.allocate(LEFT_BYTES + INPUT_BYTES);
  readonly #output = this.#kernel.allocate(WINDOW_BYTES + OUTPUT_BYTES);
  readonly #end = this.#output + WINDOW_BYTES + OUTPUT_BYTES;
  #left = 0;
  #firstBit = 0;
  #to = this.#output;
  #ended = false;

  /** Forgets the stream before. */
  begin(): void {
    this.#kernel.bytes(this.#state, this.#kernel.inflateStateBytes).fill(0);
    [this.#left, this.#firstBit, this.#to, this.#ended] = [0, 0, this.#output, false];
  }

  /** Whether its last block is whole. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * What comes of the next bytes of the stream. Each piece is good until the next one is asked for.
   * @returns the bytes of `chunk` that stand behind the end of the stream
   * @throws DaybookError `E_IO` where it is no deflated data
   */
  *take(chunk: Uint8Array): Generator<Buffer, Uint8Array> {
    let at = 0;
    while (at < chunk.length && !this.#ended) {
      const some = chunk.subarray(at, at + INPUT_BYTES);
      this.#kernel.bytes(this.#input + this.#left, some.length).set(some);
      at += some.length;
      yield* this.#inflate(this.#left + some.length);
    }
    const behind = chunk.subarray(at - (this.#ended ? this.#left : 0));
    if (this.#ended) this.#left = 0;
    return behind;
  }

  *#inflate(bytes: number): Generator<Buffer, void> {
    for (;;) {
      const from = this.#to;
      const answer = this.#kernel.run.inflate(
        this.#state,
        this.#input,
        bytes,
        this.#firstBit,
        this.#output,
        from,
        this.#end,
      );
      const [consumed, to] = this.#kernel.offsets(this.#state, 2);
      this.#firstBit = consumed;
      this.#to = to;
      if (to > from) yield this.#kernel.bytes(from, to - from);
      if (answer === DAMAGED) throw damaged('it is no deflated data');
      if (answer !== FULL) {
        this.#ended = answer === ENDED;
        this.#keepLeft(bytes);
        return;
      }
      this.#slide();
    }
  }

  /** The input from the byte on that is not done with. */
  #keepLeft(bytes: number): void {
    const done = (this.#firstBit + (this.#ended ? 7 : 0)) >> 3;
    this.#left = bytes - done;
    if (this.#left > LEFT_BYTES) throw damaged('it is no deflated data');
    this.#kernel.bytes(this.#input, bytes).copyWithin(0, done);
    this.#firstBit &= 7;
  }

  /** Only what matches may reach is kept. */
  #slide(): void {
    const keep = Math.min(WINDOW_BYTES, this.#to - this.#output);
    const before = this.#kernel.bytes(this.#output, this.#to - this.#output);
    before.copyWithin(0, before.length - keep);
    this.#to = this.#output + keep;
  }
}

export function damaged(reason: string): DaybookError {
  return new DaybookError('E_IO', { where: 'a stored file', reason });
}
