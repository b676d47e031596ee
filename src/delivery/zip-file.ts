import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';
import { zipDirectory, zipLocalHeader } from '../reports/render/zip.ts';

const deflate = promisify(deflateRaw);

/** A zip archive that holds one file; the same file gives the same bytes. */
export async function zipFile(name: string, bytes: Buffer): Promise<Buffer> {
  const data = await deflate(bytes, { level: 6 });
  const entry = { name, bytes: data.length, rawBytes: bytes.length, crc32: crc32(bytes) };
  const head = zipLocalHeader(entry);
  const directory = zipDirectory([{ ...entry, offset: 0 }], head.length + data.length);
  return Buffer.concat([head, data, directory]);
}
