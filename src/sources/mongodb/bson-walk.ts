import { isAscii } from 'node:buffer';

/**
 * Values of documents where they stand in their BSON (bsonspec.org), without an object of each
 * document: a day's documents have many fields, and a report wants some of them.
 */

export const BSON = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  binary: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  dbPointer: 0x0c,
  code: 0x0d,
  symbol: 0x0e,
  codeWithScope: 0x0f,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
  decimal128: 0x13,
  maxKey: 0x7f,
  minKey: 0xff,
} as const;

/** By type; -1: it says its own length, or there is no such type. */
const FIXED = new Int8Array(256).fill(-1);
for (const [type, size] of [
  [BSON.double, 8],
  [BSON.undefined, 0],
  [BSON.objectId, 12],
  [BSON.boolean, 1],
  [BSON.date, 8],
  [BSON.null, 0],
  [BSON.int32, 4],
  [BSON.timestamp, 8],
  [BSON.int64, 8],
  [BSON.decimal128, 16],
  [BSON.maxKey, 0],
  [BSON.minKey, 0],
] as const) {
  FIXED[type] = size;
}

/** A name among those that are looked for, at one depth. */
interface Wanted {
  readonly name: Buffer;
  /** Which path ends here; -1: none. */
  index: number;
  readonly below: Wanted[];
}

/** Where the values of some paths stand in the document that was walked last. */
export class BsonWalk {
  /** Of the document that was walked. */
  bytes: Buffer = Buffer.alloc(0);
  /** By path: its type, 0 where the document has no such value. */
  readonly types: Uint8Array;
  /** By path: its value's bytes, those of a text without its length and NUL. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly #wanted: Wanted[] = [];

  /** @param paths names, or names joined by dots for what stands in sub-documents and arrays */
  constructor(paths: readonly string[]) {
    this.types = new Uint8Array(paths.length);
    this.starts = new Int32Array(paths.length);
    this.ends = new Int32Array(paths.length);
    paths.forEach((path, index) => {
      let level = this.#wanted;
      let found: Wanted | undefined;
      for (const segment of path.split('.')) {
        const name = Buffer.from(segment);
        found = level.find((each) => each.name.equals(name));
        if (!found) {
          found = { name, index: -1, below: [] };
          level.push(found);
        }
        level = found.below;
      }
      if (found) found.index = index;
    });
  }

  /** @throws RangeError when the bytes are no BSON document */
  walk(document: Buffer): void {
    this.bytes = document;
    this.types.fill(0);
    this.#walk(0, document.length, this.#wanted);
  }

  #walk(from: number, limit: number, wanted: readonly Wanted[]): void {
    const { bytes } = this;
    const end = from + int32At(bytes, from) - 1;
    if (end < from + 4 || end >= limit || bytes[end] !== 0) {
      throw new RangeError('a document does not end well');
    }
    let at = from + 4;
    // Documents of a collection mostly have their fields in one order.
    let next = 0;
    while (at < end) {
      const type = bytes[at];
      const nameAt = at + 1;
      let nameEnd = nameAt;
      // The byte at the end is 0. Names are short: a search that is called would cost more.
      while (bytes[nameEnd] !== 0) nameEnd++;
      if (nameEnd >= end) throw new RangeError('a name does not end');
      const valueAt = nameEnd + 1;
      const valueEnd = valueAt + sizeOf(bytes, type, valueAt, end);
      if (valueEnd > end) throw new RangeError('a value is longer than its document');
      for (let tries = 0; tries < wanted.length; tries++) {
        const each = wanted[next];
        next = next + 1 === wanted.length ? 0 : next + 1;
        if (!isName(bytes, nameAt, nameEnd, each.name)) continue;
        if (each.index >= 0) this.#keep(each.index, type, valueAt, valueEnd);
        if (each.below.length > 0 && (type === BSON.document || type === BSON.array)) {
          this.#walk(valueAt, valueEnd, each.below);
        }
        break;
      }
      at = valueEnd;
    }
  }

  #keep(index: number, type: number, start: number, end: number): void {
    const isText = type === BSON.string || type === BSON.symbol || type === BSON.code;
    this.types[index] = type;
    this.starts[index] = isText ? start + 4 : start;
    this.ends[index] = isText ? end - 1 : end;
  }
}

function isName(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length) return false;
  for (let at = 0; at < name.length; at++) if (bytes[start + at] !== name[at]) return false;
  return true;
}

/** Little-endian, as all numbers of BSON; bytes behind the end count as 0. */
export function int32At(bytes: Buffer, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** Exact within ±2^53, beyond that the nearest double. */
export function int64At(bytes: Buffer, at: number): number {
  return int32At(bytes, at + 4) * 4_294_967_296 + (int32At(bytes, at) >>> 0);
}

/** ASCII without NUL is text as it stands, whoever wrote it. */
export function isPlainText(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > LONG_TEXT) {
    const text = bytes.subarray(start, end);
    return isAscii(text) && !text.includes(0);
  }
  for (let at = start; at < end; at++) if (bytes[at] === 0 || bytes[at] > 127) return false;
  return true;
}

const LONG_TEXT = 64;

function sizeOf(bytes: Buffer, type: number, at: number, end: number): number {
  const fixed = FIXED[type];
  if (fixed >= 0) return fixed;
  switch (type) {
    case BSON.string:
    case BSON.symbol:
    case BSON.code:
      return 4 + atLeast(1, int32At(bytes, at));
    case BSON.document:
    case BSON.array:
    case BSON.codeWithScope:
      return atLeast(5, int32At(bytes, at));
    case BSON.binary:
      return 5 + atLeast(0, int32At(bytes, at));
    case BSON.dbPointer:
      return 16 + atLeast(1, int32At(bytes, at));
    case BSON.regex: {
      const options = bytes.indexOf(0, at) + 1;
      const last = bytes.indexOf(0, options);
      if (options === 0 || last < 0 || last >= end) throw new RangeError('a regex does not end');
      return last + 1 - at;
    }
    default:
      throw new RangeError(`a value of the unknown type ${type}`);
  }
}

function atLeast(least: number, length: number): number {
  if (length < least) throw new RangeError(`a value of ${length} bytes`);
  return length;
}
