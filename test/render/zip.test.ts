import { describe, expect, test } from 'vitest';
import { deflateWhole } from '../../src/reports/render/splice.ts';
import { zipDirectory, zipLocalHeader } from '../../src/reports/render/zip.ts';
import { ZipWriter } from '../../src/reports/render/zip-writer.ts';
import { unzip } from './support/read-xlsx.ts';

const GIB = 2 ** 30;

describe('zip', () => {
  test('entries come back by another reader, names beyond ASCII too', async () => {
    const chunks: Uint8Array[] = [];
    const zip = new ZipWriter(async (bytes) => void chunks.push(bytes));
    await zip.addWhole('a.txt', deflateWhole('hello'));
    await zip.addWhole('ação.txt', deflateWhole(''));
    await zip.end();
    const entries = await unzip(Buffer.concat(chunks));
    expect([...entries].map(([name, bytes]) => [name, bytes.toString()])).toEqual([
      ['a.txt', 'hello'],
      ['ação.txt', ''],
    ]);
  });

  test('an entry that writes other than its bytes is an error', async () => {
    const zip = new ZipWriter(async () => {});
    const run = { bytes: 5, rawBytes: 5, crc32: 0 };
    await expect(zip.add('a', run, (out) => out(Buffer.alloc(4)))).rejects.toThrow(
      '4 bytes, not 5',
    );
  });

  test('a small entry has no ZIP64 field', () => {
    const header = zipLocalHeader({ name: 'a', bytes: 0xfffffffe, rawBytes: 3, crc32: 9 });
    expect(header.length).toBe(31);
    expect(header.readUInt16LE(4)).toBe(20);
    expect(header.readUInt32LE(18)).toBe(0xfffffffe);
  });

  test('an entry of 4 GiB says both lengths in a ZIP64 field of its local header', () => {
    const header = zipLocalHeader({ name: 'a', bytes: 7, rawBytes: 5 * GIB, crc32: 9 });
    expect(header.readUInt16LE(4)).toBe(45);
    expect(header.readUInt32LE(18)).toBe(0xffffffff);
    expect(header.readUInt32LE(22)).toBe(0xffffffff);
    expect(header.readUInt16LE(31)).toBe(1);
    expect(header.readUInt16LE(33)).toBe(16);
    expect(header.readBigUInt64LE(35)).toBe(BigInt(5 * GIB));
    expect(header.readBigUInt64LE(43)).toBe(7n);
  });

  test('the directory says in ZIP64 only what does not fit, and ends in both ends', () => {
    const directory = zipDirectory(
      [{ name: 'a', bytes: 7, rawBytes: 8, crc32: 9, offset: 6 * GIB }],
      7 * GIB,
    );
    expect(directory.readUInt32LE(20)).toBe(7);
    expect(directory.readUInt32LE(42)).toBe(0xffffffff);
    expect(directory.readUInt16LE(30)).toBe(12);
    expect(directory.readBigUInt64LE(46 + 1 + 4)).toBe(BigInt(6 * GIB));
    const wide = directory.indexOf('PK\x06\x06', 0, 'latin1');
    expect(wide).toBe(46 + 1 + 12);
    expect(directory.readBigUInt64LE(wide + 48)).toBe(BigInt(7 * GIB));
    const locator = directory.indexOf('PK\x06\x07', 0, 'latin1');
    expect(directory.readBigUInt64LE(locator + 8)).toBe(BigInt(7 * GIB + wide));
    const end = directory.indexOf('PK\x05\x06', 0, 'latin1');
    expect(directory.readUInt32LE(end + 16)).toBe(0xffffffff);
    expect(directory.length).toBe(end + 22);
  });

  test('more than 65,534 entries are counted in ZIP64', () => {
    const entry = { name: 'a', bytes: 1, rawBytes: 1, crc32: 1, offset: 0 };
    const directory = zipDirectory(Array(65_535).fill(entry), 100);
    const wide = directory.indexOf('PK\x06\x06', 0, 'latin1');
    expect(directory.readBigUInt64LE(wide + 32)).toBe(65_535n);
    const small = zipDirectory(Array(65_534).fill(entry), 100);
    expect(small.includes('PK\x06\x06', 0, 'latin1')).toBe(false);
  });
});
