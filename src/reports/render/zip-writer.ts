import type { OwnRun, Run, Sink } from './splice.ts';
import { type PlacedEntry, zipDirectory, zipLocalHeader } from './zip.ts';

/** Writes a zip archive of deflated entries from the front to the end, seeking nowhere. */
export class ZipWriter {
  readonly #out: Sink;
  readonly #entries: PlacedEntry[] = [];
  #offset = 0;

  constructor(out: Sink) {
    this.#out = out;
  }

  /**
   * Adds an entry.
   * @param run the whole deflate stream, its final block included
   * @param write writes exactly the run's bytes
   */
  async add(name: string, run: Run, write: (out: Sink) => Promise<void>): Promise<void> {
    const { bytes, rawBytes, crc32 } = run;
    const header = zipLocalHeader({ name, bytes, rawBytes, crc32 });
    this.#entries.push({ name, bytes, rawBytes, crc32, offset: this.#offset });
    await this.#out(header);
    let written = 0;
    await write(async (chunk) => {
      written += chunk.length;
      await this.#out(chunk);
    });
    if (written !== bytes) throw new RangeError(`${name} has ${written} bytes, not ${bytes}`);
    this.#offset += header.length + bytes;
  }

  /** Adds an entry of bytes that were deflated whole. */
  async addWhole(name: string, run: OwnRun): Promise<void> {
    await this.add(name, run, (out) => out(run.data));
  }

  async end(): Promise<void> {
    await this.#out(zipDirectory(this.#entries, this.#offset));
  }
}
