/** A stretch of bytes (UTF-8): where a value stands, without a copy of it. */
export class Span {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  set(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  /** Without the spaces and tabs around it. */
  trim(): void {
    const { bytes } = this;
    while (this.start < this.end && isBlank(bytes[this.start])) this.start++;
    while (this.start < this.end && isBlank(bytes[this.end - 1])) this.end--;
  }

  text(): string {
    return this.bytes.toString('utf8', this.start, this.end);
  }
}

function isBlank(byte: number): boolean {
  return byte === 32 || byte === 9;
}
