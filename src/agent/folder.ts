import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toFileError } from '../errors.ts';
import type { FilesConfig } from './agent-config.ts';

/** The files of a folder that are there whole. Nothing in it is ever changed. */

export interface FoundFile {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  /** Bytes to read: all, or up to the last line that is whole. */
  readonly readable: number;
}

const MARKER = '.done';
const TAIL_BYTES = 1 << 16;
const LF = 10;

/** Remembers between two looks what it saw: a file that somebody still writes to is not whole. */
export class Folder {
  readonly #of: FilesConfig;
  readonly #nowMs: () => number;
  readonly #seen = new Map<string, { size: number; mtimeMs: number; sinceMs: number }>();
  /** A file was met that may be whole at the next look. */
  hasUnsettled = false;
  /** All names of the last look. */
  names: ReadonlySet<string> = new Set();

  /** @param nowMs a clock that never goes back; those of files and of this machine may disagree */
  constructor(of: FilesConfig, nowMs: () => number = () => performance.now()) {
    this.#of = of;
    this.#nowMs = nowMs;
  }

  /** The whole files, the oldest first. @throws DaybookError `E_IO` */
  async look(): Promise<FoundFile[]> {
    const { folder, complete, settleMs } = this.#of;
    const matches = patternOf(this.#of.pattern);
    const all = await readdir(folder, { withFileTypes: true }).catch((error) => {
      throw toFileError(error, folder);
    });
    const present = new Set(all.map(({ name }) => name));
    const names = all
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .filter((name) => matches(name) && !name.endsWith(MARKER));
    this.hasUnsettled = false;
    this.names = new Set(names);
    const found: FoundFile[] = [];
    const now = this.#nowMs();
    for (const name of names) {
      const path = join(folder, name);
      const status = await stat(path).catch(() => null);
      if (status === null) continue;
      const { size, mtimeMs } = status;
      const before = this.#seen.get(name);
      const same = before?.size === size && before.mtimeMs === mtimeMs;
      const sinceMs = same ? before.sinceMs : now;
      this.#seen.set(name, { size, mtimeMs, sinceMs });
      const isSettled = same && now - sinceMs >= settleMs;
      const isWhole = complete === 'marker' ? present.has(name + MARKER) : isSettled;
      const isGrowing = complete === 'growing' && !/\.(?:gz|xlsx)$/i.test(name);
      if (!isWhole && !isGrowing) {
        if (complete !== 'marker') this.hasUnsettled = true;
        continue;
      }
      const readable = isGrowing && !isWhole ? await wholeLines(path, size) : size;
      if (readable > 0) found.push({ name, path, size, mtimeMs, readable });
    }
    for (const name of this.#seen.keys()) if (!this.names.has(name)) this.#seen.delete(name);
    return found.sort((a, b) => a.mtimeMs - b.mtimeMs || (a.name < b.name ? -1 : 1));
  }
}

/** `*` stands for any characters, `?` for one. */
function patternOf(pattern: string): (name: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  const expression = new RegExp(`^${source}$`, 'su');
  return (name) => expression.test(name);
}

/** How many bytes there are up to the last line break. */
async function wholeLines(path: string, size: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    const tail = Buffer.alloc(TAIL_BYTES);
    for (let end = size; end > 0; end -= TAIL_BYTES) {
      const start = Math.max(0, end - TAIL_BYTES);
      const { bytesRead } = await file.read(tail, 0, end - start, start);
      const at = tail.subarray(0, bytesRead).lastIndexOf(LF);
      if (at >= 0) return start + at + 1;
    }
    return 0;
  } finally {
    await file.close();
  }
}
