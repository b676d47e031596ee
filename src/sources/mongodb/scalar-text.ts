import { Binary, Decimal128, BSON as Library } from 'mongodb';
import { BSON, type BsonWalk } from './bson-walk.ts';

/**
 * A value of a document as text, as a map reads it. Numbers have exactly their digits; an instant
 * is ISO 8601; an id is hex; what has no scalar form (sub-documents, arrays, rare types) is its
 * relaxed Extended JSON, keys in the order in which they are stored. NaN and infinities are no
 * value.
 * @returns null: there is no value
 */
export function scalarText(walk: BsonWalk, index: number): string | null {
  const { bytes } = walk;
  const start = walk.starts[index];
  const end = walk.ends[index];
  switch (walk.types[index]) {
    case 0:
    case BSON.null:
    case BSON.undefined:
      return null;
    case BSON.string:
    case BSON.symbol:
    case BSON.code:
      return bytes.toString('utf8', start, end);
    case BSON.int32:
      return String(bytes.readInt32LE(start));
    case BSON.int64:
      return String(bytes.readBigInt64LE(start));
    case BSON.double:
      return doubleText(bytes.readDoubleLE(start));
    case BSON.decimal128:
      return decimalText(new Decimal128(Buffer.from(bytes.subarray(start, end))));
    case BSON.date:
      return instantText(Number(bytes.readBigInt64LE(start)));
    case BSON.objectId:
      return bytes.toString('hex', start, end);
    case BSON.boolean:
      return bytes[start] === 0 ? 'false' : 'true';
    case BSON.binary:
      return binaryText(bytes, start, end);
    case BSON.regex:
      return bytes.toString('utf8', start, bytes.indexOf(0, start));
    default:
      return extendedJson(bytes, walk.types[index], start, end);
  }
}

/** Digits without an exponent: a double has 17 of them that say something. */
export function doubleText(value: number): string | null {
  if (!Number.isFinite(value)) return null;
  if (Object.is(value, -0)) return '0';
  const text = String(value);
  return text.includes('e') ? plainDecimal(text) : text;
}

/** Exact. */
export function decimalText(value: Decimal128): string | null {
  const text = value.toString();
  return /^-?\d/.test(text) ? plainDecimal(text) : null;
}

/** `-1.25E+3` as `-1250`. */
function plainDecimal(text: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) {
    const all = (digits + '0'.repeat(point - digits.length)).replace(/^0+(?=\d)/, '');
    return `${sign}${all}`;
  }
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Outside of what dates can be shown as: its number, which no instant is read from. */
function instantText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

function binaryText(bytes: Buffer, start: number, end: number): string {
  const subtype = bytes[start + 4];
  const content = bytes.subarray(start + 5, end);
  const isUuid = subtype === Binary.SUBTYPE_UUID && content.length === 16;
  return isUuid
    ? new Binary(Buffer.from(content), subtype).toUUID().toString()
    : content.toString('base64');
}

/** The value in a document of its own, read by the library. */
function extendedJson(bytes: Buffer, type: number, start: number, end: number): string {
  const document = Buffer.alloc(4 + 1 + 2 + (end - start) + 1);
  document.writeInt32LE(document.length, 0);
  document[4] = type;
  document.write('v\0', 5, 'latin1');
  bytes.copy(document, 7, start, end);
  const { v } = Library.deserialize(document, {
    promoteValues: false,
    bsonRegExp: true,
    validation: { utf8: false },
  });
  return Library.EJSON.stringify(v, { relaxed: true });
}
