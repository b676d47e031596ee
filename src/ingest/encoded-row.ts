import { type Decimal, parseDecimal } from '../money/decimal.ts';

const POINT = 0x2e;
const MINUS = 0x2d;
const PLUS = 0x2b;
/** So many digits are a whole number exactly. */
const SHORT_DIGITS = 15;
/** 2000-01-01, from which Postgres counts. */
const EPOCH_MS = 946_684_800_000;

/** Walks over the fields of a row that a `RowEncoder` wrote, without making texts of them. */
export class EncodedRow {
  bytes: Buffer = Buffer.alloc(0);
  /** The field that stands at `bytes[start .. end)`; equal where it has no value. */
  start = 0;
  end = 0;

  /** Turns to a row; no field stands yet. */
  open(bytes: Buffer): void {
    this.bytes = bytes;
    this.end = 2;
  }

  /** Turns to the next field. */
  next(): void {
    const length = this.bytes.readInt32BE(this.end);
    this.start = this.end + 4;
    this.end = this.start + Math.max(0, length);
  }

  /** Of a whole number. */
  integer(): number {
    const high = this.bytes.readInt32BE(this.start);
    return high * 4_294_967_296 + this.bytes.readUInt32BE(this.start + 4);
  }

  /** UTC epoch ms. */
  instantMs(): number {
    return this.integer() / 1000 + EPOCH_MS;
  }

  /** Of a decimal's text, which the encoder has checked. */
  decimal(): Decimal {
    const { bytes, start, end } = this;
    const sign = bytes[start];
    let unscaled = 0;
    let scale = -1;
    let digits = 0;
    for (let at = sign === MINUS || sign === PLUS ? start + 1 : start; at < end; at++) {
      if (bytes[at] === POINT) {
        scale = 0;
        continue;
      }
      unscaled = unscaled * 10 + (bytes[at] - 0x30);
      digits++;
      if (scale >= 0) scale++;
    }
    if (digits <= SHORT_DIGITS) {
      return { unscaled: BigInt(sign === MINUS ? -unscaled : unscaled), scale: Math.max(0, scale) };
    }
    return parseDecimal(this.text()) as Decimal;
  }

  text(): string {
    return this.bytes.toString('utf8', this.start, this.end);
  }
}
