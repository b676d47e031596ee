/**
 * Texts as small whole numbers: the same bytes get the same number, whoever brings them. Bytes are
 * kept once, in one array, so that millions of ids cost little more than their bytes.
 */
export class TextTable {
  #bytes = new Uint8Array(1 << 12);
  #used = 0;
  /** Text i is `#bytes[#offsets[i] .. #offsets[i + 1])`. */
  #offsets = new Uint32Array(1 << 8);
  #hashes = new Uint32Array(1 << 8);
  /** Open addressing; 0 is free, else a text's number + 1. */
  #slots = new Int32Array(1 << 9);
  #size = 0;

  /** Different texts; their numbers are 0 to one less. */
  get size(): number {
    return this.#size;
  }

  /** The number of the text `bytes[start .. end)`. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = this.#slots[slot] - 1;
      if (this.#hashes[at] === hash && this.#holds(at, bytes, start, end)) return at;
    }
    const added = this.#add(bytes, start, end, hash);
    this.#slots[slot] = added + 1;
    if (this.#size * 2 > this.#slots.length) this.#spread();
    return added;
  }

  textOf(at: number): string {
    const { buffer, byteOffset } = this.#bytes;
    const start = this.#offsets[at];
    return Buffer.from(buffer, byteOffset + start, this.#offsets[at + 1] - start).toString('utf8');
  }

  /** Shows where the bytes of a text stand, without a copy of them. */
  show(at: number, to: (bytes: Uint8Array, start: number, end: number) => void): void {
    to(this.#bytes, this.#offsets[at], this.#offsets[at + 1]);
  }

  /** By bytes, which for UTF-8 is the order of code points. */
  compare(a: number, b: number): number {
    if (a === b) return 0;
    const [aEnd, bEnd] = [this.#offsets[a + 1], this.#offsets[b + 1]];
    let i = this.#offsets[a];
    let j = this.#offsets[b];
    for (; i < aEnd && j < bEnd; i++, j++) {
      if (this.#bytes[i] !== this.#bytes[j]) return this.#bytes[i] - this.#bytes[j];
    }
    return aEnd - i - (bEnd - j);
  }

  #holds(at: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#offsets[at];
    if (this.#offsets[at + 1] - from !== end - start) return false;
    for (let i = start, j = from; i < end; i++, j++) {
      if (bytes[i] !== this.#bytes[j]) return false;
    }
    return true;
  }

  #add(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const at = this.#size++;
    if (at + 2 > this.#offsets.length) {
      this.#offsets = larger(this.#offsets, new Uint32Array(this.#offsets.length * 2));
      this.#hashes = larger(this.#hashes, new Uint32Array(this.#hashes.length * 2));
    }
    const length = end - start;
    if (this.#used + length > this.#bytes.length) {
      const wanted = Math.max(this.#bytes.length * 2, this.#used + length);
      this.#bytes = larger(this.#bytes, new Uint8Array(wanted));
    }
    for (let i = start, j = this.#used; i < end; i++, j++) this.#bytes[j] = bytes[i];
    this.#used += length;
    this.#hashes[at] = hash;
    this.#offsets[at + 1] = this.#used;
    return at;
  }

  #spread(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let at = 0; at < this.#size; at++) {
      let slot = this.#hashes[at] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = at + 1;
    }
    this.#slots = slots;
  }
}

function larger<T extends Uint8Array | Uint32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

/** FNV-1a, mixed once more at the end: ids that count up differ in their last bytes alone. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
