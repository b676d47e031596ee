/**
 * Writes rows in the binary format of Postgres' COPY: no escaping, no text of numbers, and the
 * server parses none. Source of the layout: PostgreSQL manual, COPY, "Binary Format".
 */
export class CopyWriter {
  bytes: Buffer;
  length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.length = this.bytes.write('PGCOPY\n\xff\r\n\0', 0, 'latin1');
    this.bytes.fill(0, this.length, this.length + 8);
    this.length += 8;
  }

  /** What was written so far; the writer goes on in memory of its own. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    this.bytes = Buffer.allocUnsafeSlow(this.bytes.length);
    this.length = 0;
    return taken;
  }

  beginRow(fields: number): void {
    this.#room(2);
    this.bytes[this.length++] = fields >> 8;
    this.bytes[this.length++] = fields & 255;
  }

  endOfRows(): void {
    this.beginRow(0xffff);
  }

  none(): void {
    this.#room(4);
    this.#int32(-1);
  }

  /** @param value a whole number within ±2^53 */
  bigint(value: number): void {
    this.#room(12);
    this.#int32(8);
    const high = Math.floor(value / 4_294_967_296);
    this.#int32(high);
    this.#int32(value - high * 4_294_967_296);
  }

  /** @param instantMs UTC epoch ms */
  instant(instantMs: number): void {
    this.bigint((instantMs - 946_684_800_000) * 1000);
  }

  text(source: Buffer, start: number, end: number): void {
    const size = end - start;
    this.#room(4 + size);
    this.#int32(size);
    const { bytes } = this;
    let at = this.length;
    if (size <= 32) {
      for (let i = start; i < end; i++) bytes[at++] = source[i];
    } else {
      source.copy(bytes, at, start, end);
      at += size;
    }
    this.length = at;
  }

  string(value: string | null): void {
    if (value === null) {
      this.none();
      return;
    }
    const size = Buffer.byteLength(value);
    this.#room(4 + size);
    this.#int32(size);
    this.length += this.bytes.write(value, this.length, 'utf8');
  }

  /** @param value ASCII alone */
  ascii(value: string): void {
    const size = value.length;
    this.#room(4 + size);
    this.#int32(size);
    const { bytes } = this;
    for (let i = 0; i < size; i++) bytes[this.length++] = value.charCodeAt(i);
  }

  jsonb(value: unknown): void {
    const json = JSON.stringify(value);
    const size = 1 + Buffer.byteLength(json);
    this.#room(4 + size);
    this.#int32(size);
    this.bytes[this.length++] = 1;
    this.length += this.bytes.write(json, this.length, 'utf8');
  }

  #int32(value: number): void {
    const { bytes } = this;
    bytes[this.length++] = value >>> 24;
    bytes[this.length++] = value >>> 16;
    bytes[this.length++] = value >>> 8;
    bytes[this.length++] = value;
  }

  #room(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + size));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
