import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SaxesParser } from 'saxes';
import yauzl from 'yauzl';
import { DaybookError } from '../errors.ts';
import type { Bytes } from './byte-source.ts';

/** The parts of a workbook, each read as a stream. Must be closed. */
export interface XlsxPackage {
  has(part: string): boolean;
  open(part: string): Promise<Readable>;
  close(): Promise<void>;
}

/**
 * A package is read from its end, so bytes are spooled to a temporary file first.
 * @throws DaybookError `E_INPUT` when they are no whole zip file
 */
export async function openPackage(bytes: Bytes, name: string): Promise<XlsxPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-xlsx-'));
  try {
    const path = join(folder, 'book.xlsx');
    await pipeline(bytes, createWriteStream(path, { mode: 0o600 }));
    const zip = await openZip(path);
    const entries = await entriesOf(zip);
    return {
      has: (part) => entries.has(part),
      open: (part) => {
        const entry = entries.get(part);
        if (!entry) throw broken(name, `it holds no ${part}`);
        return openEntry(zip, entry);
      },
      close: async () => {
        zip.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined || error instanceof DaybookError) throw error;
    throw broken(name, `it is no whole .xlsx file: ${(error as Error).message}`, error);
  }
}

export function broken(name: string, reason: string, cause?: unknown): DaybookError {
  return new DaybookError('E_INPUT', { where: name, reason }, cause);
}

/** What a walk over XML meets; names come without their namespace prefix. */
export interface XmlHandler {
  open?(name: string, attributes: Readonly<Record<string, string>>): void;
  text?(text: string): void;
  close?(name: string): void;
}

/** Feeds a part to a handler piece by piece; yields after every piece. */
export async function* walkXml(part: Readable, handler: XmlHandler, name: string) {
  const parser = new SaxesParser();
  const decoder = new TextDecoder('utf-8');
  parser.on('error', (error) => {
    throw broken(name, `it holds broken XML: ${error.message}`);
  });
  const { open, text, close } = handler;
  if (open) parser.on('opentag', (tag) => open.call(handler, local(tag.name), tag.attributes));
  if (text) {
    parser.on('text', (piece) => text.call(handler, piece));
    parser.on('cdata', (piece) => text.call(handler, piece));
  }
  if (close) parser.on('closetag', (tag) => close.call(handler, local(tag.name)));
  try {
    for await (const piece of part) {
      parser.write(decoder.decode(piece as Buffer, { stream: true }));
      yield;
    }
    parser.write(decoder.decode());
    parser.close();
    yield;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof DaybookError || (code !== undefined && !code.startsWith('Z_')))
      throw error;
    throw broken(name, `it is damaged: ${(error as Error).message}`, error);
  } finally {
    part.destroy();
  }
}

/** {@link walkXml} to the end. */
export async function readXml(part: Readable, handler: XmlHandler, name: string): Promise<void> {
  for await (const _ of walkXml(part, handler, name));
}

function local(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function openZip(path: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(path, { lazyEntries: true, autoClose: false }, (error, zip) =>
      error ? reject(error) : resolve(zip),
    );
  });
}

function entriesOf(zip: yauzl.ZipFile): Promise<Map<string, yauzl.Entry>> {
  return new Promise((resolve, reject) => {
    const entries = new Map<string, yauzl.Entry>();
    zip.on('entry', (entry: yauzl.Entry) => {
      entries.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.on('end', () => resolve(entries));
    zip.on('error', reject);
    zip.readEntry();
  });
}

function openEntry(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}
