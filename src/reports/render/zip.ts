import type { Run } from './splice.ts';

/**
 * The records of a zip archive whose entries were deflated before, with ZIP64 fields where a
 * number is too large for its place (APPNOTE 6.3, 4.3 and 4.5.3). Times are always 1980-01-01
 * 00:00, so that the same entries give the same bytes.
 */
export interface ZipEntry extends Run {
  /** Path inside the archive, with `/`. */
  readonly name: string;
}

/** An entry and where its local header stands. */
export interface PlacedEntry extends ZipEntry {
  readonly offset: number;
}

const MAX_16 = 0xffff;
const MAX_32 = 0xffffffff;
const NAME_IS_UTF8 = 0x0800;
const DEFLATED = 8;
const DOS_DATE = (1 << 5) | 1;
const VERSION = 20;
const VERSION_ZIP64 = 45;

/** What stands in front of an entry's bytes. */
export function zipLocalHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name, 'utf8');
  const wide = entry.bytes >= MAX_32 || entry.rawBytes >= MAX_32;
  const extra = wide ? zip64Extra([entry.rawBytes, entry.bytes]) : Buffer.alloc(0);
  const fixed = Buffer.alloc(30);
  fixed.writeUInt32LE(0x04034b50, 0);
  fixed.writeUInt16LE(wide ? VERSION_ZIP64 : VERSION, 4);
  writeNature(fixed, 6, entry);
  fixed.writeUInt32LE(wide ? MAX_32 : entry.bytes, 18);
  fixed.writeUInt32LE(wide ? MAX_32 : entry.rawBytes, 22);
  fixed.writeUInt16LE(name.length, 26);
  fixed.writeUInt16LE(extra.length, 28);
  return Buffer.concat([fixed, name, extra]);
}

/**
 * What stands behind all entries: the directory and its end.
 * @param offset where it begins: the length of all that came before
 */
export function zipDirectory(entries: readonly PlacedEntry[], offset: number): Buffer {
  const records = Buffer.concat(entries.map(directoryRecord));
  return Buffer.concat([records, directoryEnd(entries.length, records.length, offset)]);
}

function directoryRecord(entry: PlacedEntry): Buffer {
  const name = Buffer.from(entry.name, 'utf8');
  const wide = [entry.rawBytes, entry.bytes, entry.offset].filter((value) => value >= MAX_32);
  const extra = wide.length > 0 ? zip64Extra(wide) : Buffer.alloc(0);
  const fixed = Buffer.alloc(46);
  fixed.writeUInt32LE(0x02014b50, 0);
  fixed.writeUInt16LE(wide.length > 0 ? VERSION_ZIP64 : VERSION, 4);
  fixed.writeUInt16LE(wide.length > 0 ? VERSION_ZIP64 : VERSION, 6);
  writeNature(fixed, 8, entry);
  fixed.writeUInt32LE(Math.min(entry.bytes, MAX_32), 20);
  fixed.writeUInt32LE(Math.min(entry.rawBytes, MAX_32), 24);
  fixed.writeUInt16LE(name.length, 28);
  fixed.writeUInt16LE(extra.length, 30);
  fixed.writeUInt32LE(Math.min(entry.offset, MAX_32), 42);
  return Buffer.concat([fixed, name, extra]);
}

function directoryEnd(count: number, bytes: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(count, MAX_16), 8);
  end.writeUInt16LE(Math.min(count, MAX_16), 10);
  end.writeUInt32LE(Math.min(bytes, MAX_32), 12);
  end.writeUInt32LE(Math.min(offset, MAX_32), 16);
  if (count < MAX_16 && bytes < MAX_32 && offset < MAX_32) return end;
  const wide = Buffer.alloc(56 + 20);
  wide.writeUInt32LE(0x06064b50, 0);
  writeUInt64(wide, 56 - 12, 4);
  wide.writeUInt16LE(VERSION_ZIP64, 12);
  wide.writeUInt16LE(VERSION_ZIP64, 14);
  writeUInt64(wide, count, 24);
  writeUInt64(wide, count, 32);
  writeUInt64(wide, bytes, 40);
  writeUInt64(wide, offset, 48);
  wide.writeUInt32LE(0x07064b50, 56);
  writeUInt64(wide, offset + bytes, 64);
  wide.writeUInt32LE(1, 72);
  return Buffer.concat([wide, end]);
}

/** Flags, method, time, date and CRC: the same run of fields in both headers. */
function writeNature(header: Buffer, at: number, entry: ZipEntry): void {
  header.writeUInt16LE(/^[\x20-\x7e]*$/.test(entry.name) ? 0 : NAME_IS_UTF8, at);
  header.writeUInt16LE(DEFLATED, at + 2);
  header.writeUInt16LE(0, at + 4);
  header.writeUInt16LE(DOS_DATE, at + 6);
  header.writeUInt32LE(entry.crc32, at + 8);
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(0x0001, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, index) => {
    writeUInt64(extra, value, 4 + 8 * index);
  });
  return extra;
}

function writeUInt64(buffer: Buffer, value: number, at: number): void {
  buffer.writeBigUInt64LE(BigInt(value), at);
}
