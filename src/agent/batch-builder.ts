import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Part } from './item.ts';

const compress = promisify(gzip);

/** Gathers lines until they are enough for a batch. */
export class BatchBuilder {
  readonly #most: { readonly rows: number; readonly bytes: number };
  #lines: Buffer[] = [];
  #bytes = 0;

  constructor(most: { readonly rows: number; readonly bytes: number }) {
    this.#most = most;
  }

  get rows(): number {
    return this.#lines.length;
  }

  /** A line more would be too much. */
  isFullFor(line: Buffer): boolean {
    return (
      this.rows >= this.#most.rows ||
      (this.rows > 0 && this.#bytes + line.length > this.#most.bytes)
    );
  }

  add(line: Buffer): void {
    this.#lines.push(line);
    this.#bytes += line.length;
  }

  take(): Buffer {
    const lines = Buffer.concat(this.#lines);
    this.#lines = [];
    this.#bytes = 0;
    return lines;
  }
}

/**
 * Lines as a body. Its id is made of where it comes from and of what it holds: the same rows of the
 * same place bear the same id whoever sends them and whenever, and other bytes never do.
 */
export async function partOf(
  lines: Buffer,
  from: { readonly source: string; readonly dataset: string; readonly position: string },
): Promise<Part> {
  const bytes = await compress(lines, { level: 6 });
  const { source, dataset, position } = from;
  const digest = createHash('sha256')
    .update(JSON.stringify([source, dataset, position]))
    .update(bytes)
    .digest('base64url');
  return { id: `agent_${digest}`, bytes, rows: countLines(lines) };
}

function countLines(lines: Buffer): number {
  let rows = 0;
  for (let at = lines.indexOf(10); at >= 0; at = lines.indexOf(10, at + 1)) rows++;
  return rows;
}
