import { createHash, type Hash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { gunzip } from '../delivery/inflate.ts';
import { DaybookError, toFileError } from '../errors.ts';
import type { Coding } from '../reports/stored-form.ts';

/** Where an export goes: a file that appears whole or not at all, or standard output. */

/** @throws DaybookError `E_USAGE` when `--out` names a folder, or none that we may write to. */
export async function demandWritable(path: string): Promise<void> {
  const folder = await stat(dirname(path)).catch(() => null);
  if (!folder?.isDirectory()) throw badOut(path, 'a file in a folder that exists');
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory()) throw badOut(path, 'a file, not a folder');
  // A device or a pipe needs nothing beside it.
  if (there && !there.isFile()) return;
  await access(dirname(path), constants.W_OK).catch(() => {
    throw badOut(path, 'a file in a folder that we may write to');
  });
}

/**
 * Copies beside the target, checks the content against the ledger, fsyncs, then renames over the
 * target. When it fails or is aborted, the target is as it was and nothing else is left.
 * @returns the SHA-256 of what was written, hex
 * @throws DaybookError `E_NO_SPACE`, `E_IO` naming the target
 */
export async function copyToOut(options: CopyToOut): Promise<string> {
  try {
    return await copyWhole(options);
  } catch (error) {
    throw toFileError(error, `--out ${options.to}`);
  }
}

export interface CopyToOut {
  readonly from: string;
  readonly to: string;
  /** Bytes and hash are those of what comes out, however it is stored; null: none is known yet. */
  readonly file: {
    readonly coding: Coding;
    readonly bytes: number;
    readonly sha256: string | null;
  };
  readonly signal: AbortSignal;
}

async function copyWhole(options: CopyToOut): Promise<string> {
  const { from, to, file, signal } = options;
  const special = await stat(to).catch(() => null);
  // A device or a pipe cannot be replaced by a file of its name.
  if (special && !special.isFile()) {
    const device = await open(to, 'w');
    const hash = createHash('sha256');
    const hashed = hashing(contentOf(from, file.coding), hash);
    await pipeline(hashed, device.createWriteStream(), { signal });
    return hash.digest('hex');
  }
  const beside = join(dirname(to), `.${basename(to)}.${randomBytes(6).toString('hex')}.part`);
  const target = await open(beside, 'wx', 0o644).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOSPC') throw error;
    throw new DaybookError('E_IO', { where: `--out ${to}`, reason: error.message }, error);
  });
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const chunk of contentOf(from, file.coding)) {
        signal.throwIfAborted();
        hash.update(chunk);
        bytes += chunk.length;
        await writeWhole(target, chunk);
      }
      await target.sync();
    } finally {
      await target.close();
    }
    const sha256 = hash.digest('hex');
    if (bytes !== file.bytes || sha256 !== (file.sha256 ?? sha256)) {
      throw new DaybookError('E_IO', { where: from, reason: 'it is not what the run made' });
    }
    signal.throwIfAborted();
    await rename(beside, to);
    await syncFolder(dirname(to));
    return sha256;
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

async function* hashing(chunks: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Copies to standard output with back-pressure; a reader that left ends it quietly. */
export async function streamToStdout(
  from: { readonly path: string; readonly coding: Coding },
  stdout: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<void> {
  try {
    await pipeline(contentOf(from.path, from.coding), stdout, { end: false, signal });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
    throw error;
  }
}

/** The file as people get it, from how it is stored. */
function contentOf(path: string, coding: Coding): AsyncIterable<Uint8Array> {
  const stored = createReadStream(path, { highWaterMark: 1 << 20 });
  return coding === 'gzip' ? kept(gunzip(stored)) : stored;
}

/** A stream that is written to holds a chunk for longer than until the next one. */
async function* kept(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

async function writeWhole(
  target: { write(buffer: Uint8Array, offset: number): Promise<{ bytesWritten: number }> },
  chunk: Uint8Array,
): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    at += (await target.write(chunk, at)).bytesWritten;
  }
}

/** Makes the rename last through a power cut; some file systems cannot, and say so. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  try {
    await handle?.sync();
  } catch {
    // Nothing is lost but the promise about power cuts.
  } finally {
    await handle?.close();
  }
}

function badOut(path: string, expected: string): DaybookError {
  return new DaybookError('E_USAGE', { where: '--out', got: JSON.stringify(path), expected });
}
