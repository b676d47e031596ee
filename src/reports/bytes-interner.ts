/** Ids for byte strings, in order of first sight: grouping by text without making strings of it. */
export class BytesInterner {
  /** Id + 1 per slot; 0 is a free slot. Length is a power of two. */
  #slots = new Int32Array(256);
  #hashes = new Int32Array(128);
  #starts = new Uint32Array(129);
  #bytes = new Uint8Array(2048);
  #size = 0;

  /** How many different byte strings were seen; ids run from 0 up to here. */
  get size(): number {
    return this.#size;
  }

  idOf(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const held = this.#slots[slot];
      if (held === 0) break;
      if (this.#hashes[held - 1] === hash && this.#equals(held - 1, bytes, start, end)) {
        return held - 1;
      }
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.#size + 1;
    return this.#keep(hash, bytes, start, end);
  }

  /** The text of an id; an empty one is no value. */
  textOf(id: number): string | null {
    const start = this.#starts[id];
    const end = this.#starts[id + 1];
    if (start === end) return null;
    return Buffer.from(this.#bytes.buffer, start, end - start).toString('utf8');
  }

  #equals(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#starts[id];
    const length = end - start;
    if (this.#starts[id + 1] - own !== length) return false;
    for (let i = 0; i < length; i++) {
      if (this.#bytes[own + i] !== bytes[start + i]) return false;
    }
    return true;
  }

  #keep(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const id = this.#size++;
    if (id === this.#hashes.length) {
      this.#hashes = grown(this.#hashes, new Int32Array(id * 2));
      this.#starts = grown(this.#starts, new Uint32Array(id * 2 + 1));
    }
    const at = this.#starts[id];
    const until = at + end - start;
    if (until > this.#bytes.length) {
      this.#bytes = grown(this.#bytes, new Uint8Array(until * 2));
    }
    for (let i = start; i < end; i++) this.#bytes[at + i - start] = bytes[i];
    this.#hashes[id] = hash;
    this.#starts[id + 1] = until;
    if (this.#size * 2 > this.#slots.length) this.#spread();
    return id;
  }

  #spread(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#size; id++) {
      const hash = this.#hashes[id];
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
  }
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash;
}

function grown<T extends Int32Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
