import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DaybookError, toDiskError } from '../errors.ts';
import { putInPlace } from './unfinished.ts';

/**
 * A part on disk: blocks one after another, then a JSON manifest with each block's place and
 * SHA-256, then the manifest's length and a mark. Written beside and renamed, not synced: a power
 * cut may leave a part that is not what it says, which a reader notices, and which is made again.
 */

const MARK = Buffer.from('DAYBOOK1');
const FOOTER_BYTES = 4 + MARK.length;

export interface Block {
  readonly offset: number;
  readonly bytes: number;
  /** Hex, of the block as it stands. */
  readonly sha256: string;
}

export interface WrittenPart {
  readonly bytes: number;
  /** Hex, of the manifest, and so of everything. */
  readonly sha256: string;
}

export interface PartWriter {
  append(data: Uint8Array): Block;
  /** Puts the part in its place; `manifest` must name every block. */
  commit(manifest: object): Promise<WrittenPart>;
  /** Leaves nothing behind. Does nothing after a commit. */
  abort(): void;
}

/** Where a part comes to stand. */
export interface PartTarget {
  /** Absolute. */
  readonly path: string;
  /** Absolute, on the same file system as `path`: where the part is made. */
  readonly makingFolder: string;
  /** For messages, such as `DAYBOOK_HOME/parts`. */
  readonly where: string;
}

/** @throws DaybookError `E_NO_SPACE`, `E_NO_DISK`, `E_IO` naming `where`, here and from all it returns */
export function openPartWriter(target: PartTarget): PartWriter {
  const { path, makingFolder, where } = target;
  const temporary = join(makingFolder, `${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const fd = naming(where, () => {
    mkdirSync(makingFolder, { recursive: true, mode: 0o700 });
    return openSync(temporary, 'wx', 0o600);
  });
  let offset = 0;
  let isOpen = true;

  function write(data: Uint8Array): void {
    let done = 0;
    naming(where, () => {
      while (done < data.length) done += writeSync(fd, data, done, data.length - done);
    });
    offset += data.length;
  }

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    closeSync(fd);
  }

  return {
    append(data) {
      const sha256 = createHash('sha256').update(data).digest('hex');
      const block = { offset, bytes: data.length, sha256 };
      write(data);
      return block;
    },
    async commit(manifest) {
      try {
        const json = Buffer.from(JSON.stringify(manifest), 'utf8');
        const footer = Buffer.alloc(FOOTER_BYTES);
        footer.writeUInt32LE(json.length, 0);
        MARK.copy(footer, 4);
        write(Buffer.concat([json, footer]));
        close();
        await putInPlace(temporary, path);
        return { bytes: offset, sha256: createHash('sha256').update(json).digest('hex') };
      } catch (error) {
        close();
        rmSync(temporary, { force: true });
        throw toDiskError(error, where);
      }
    },
    abort() {
      close();
      rmSync(temporary, { force: true });
    },
  };
}

/** A part opened for reading. Must be closed. */
export interface PartReader {
  /** JSON. */
  readonly manifest: string;
  /** Where the manifest begins: all before it are blocks. */
  readonly manifestOffset: number;
  /** Of the whole file. */
  readonly bytes: number;
  /** @throws DaybookError `E_PART_DAMAGED` when the bytes are not those that were written. */
  read(block: Block): Promise<Buffer>;
  /** Bytes as they stand, for who checks each block of them. @throws `E_PART_DAMAGED` when short */
  readUnchecked(offset: number, bytes: number): Promise<Buffer>;
  close(): Promise<void>;
}

/**
 * @param path relative to the home folder
 * @param sha256 what the manifest must hash to; null: not known, any will do
 * @throws DaybookError `E_PART_DAMAGED` when the part is missing, cut or changed
 */
export async function openPartReader(
  home: string,
  path: string,
  sha256: string | null,
): Promise<PartReader> {
  const damaged = (reason: string, cause?: unknown) => partDamaged(path, reason, cause);
  const handle = await open(join(home, path), 'r').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? damaged('it is not there', error) : error;
  });

  async function readExactly(position: number, length: number): Promise<Buffer> {
    if (position < 0) throw damaged('it is too short');
    const data = Buffer.allocUnsafe(length);
    const { bytesRead } = await handle.read(data, 0, length, position);
    if (bytesRead !== length) throw damaged('it is too short');
    return data;
  }

  try {
    const { size } = await handle.stat();
    const footer = await readExactly(size - FOOTER_BYTES, FOOTER_BYTES);
    if (!footer.subarray(4).equals(MARK)) throw damaged('it has no end mark');
    const length = footer.readUInt32LE(0);
    if (length > size) throw damaged('it is too short');
    const json = await readExactly(size - FOOTER_BYTES - length, length);
    if (sha256 !== null && createHash('sha256').update(json).digest('hex') !== sha256) {
      throw damaged('its manifest is another one');
    }
    return {
      manifest: json.toString('utf8'),
      manifestOffset: size - FOOTER_BYTES - length,
      bytes: size,
      readUnchecked: readExactly,
      read: async (block) => checked(await readExactly(block.offset, block.bytes), block, path),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @throws DaybookError `E_PART_DAMAGED` when the data does not hash as the block says. */
export function checked(data: Buffer, block: Block, path: string): Buffer {
  if (createHash('sha256').update(data).digest('hex') === block.sha256) return data;
  throw changed(block, path);
}

/** The same, hashed by a thread of the runtime while this one goes on. */
export async function checkedAside(data: Buffer, block: Block, path: string): Promise<Buffer> {
  const hash = Buffer.from(await webcrypto.subtle.digest('SHA-256', data));
  if (hash.toString('hex') === block.sha256) return data;
  throw changed(block, path);
}

function changed({ offset }: Block, path: string): DaybookError {
  return partDamaged(path, `the bytes from ${offset} on have changed`);
}

/** `E_PART_DAMAGED` whose details name the file by its `path`, so that it can be dropped. */
export function partDamaged(path: string, reason: string, cause?: unknown): DaybookError {
  return new DaybookError('E_PART_DAMAGED', { got: basename(path), reason, path }, cause);
}

function naming<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toDiskError(error, where);
  }
}
