import { crc32, gunzipSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32Combine } from '../../src/reports/render/crc32.ts';
import { deflatePiece, FINAL_BLOCK } from '../../src/reports/render/deflate.ts';
import { GZIP_HEAD, gzipTail } from '../../src/reports/render/gzip.ts';
import { joinRuns } from '../../src/reports/render/splice.ts';

const bytes = fc.uint8Array({ maxLength: 5_000 });

describe('pieces', () => {
  test('any pieces in a row and a final block are one deflate stream and one gzip member', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 8 }), (raws) => {
        const whole = Buffer.concat(raws);
        const made = raws.map((raw) => deflatePiece(raw, 1));
        const joined = joinRuns(made.map(({ piece }) => piece));
        const stream = Buffer.concat([...made.map(({ data }) => data), FINAL_BLOCK]);
        expect(inflateRawSync(stream).equals(whole)).toBe(true);
        expect(joined).toEqual({
          bytes: stream.length,
          rawBytes: whole.length,
          crc32: crc32(whole),
        });
        const member = Buffer.concat([GZIP_HEAD, stream, gzipTail(joined)]);
        expect(gunzipSync(member).equals(whole)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('a piece has no final block and ends on a byte boundary', () => {
    const { data } = deflatePiece(Buffer.from('a,b\r\n'), 1);
    expect(data.subarray(-4).toString('hex')).toBe('0000ffff');
    expect(() => inflateRawSync(data)).toThrow(/unexpected end/);
  });

  test('CRC-32s combine to the CRC-32 of both runs, whatever the lengths', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(crc32Combine(crc32(a), crc32(b), b.length)).toBe(crc32(Buffer.concat([a, b])));
      }),
      { numRuns: 500 },
    );
  });

  test('CRC-32s combine over more than 4 GiB: shifting at once equals shifting in steps', () => {
    const [a, b] = [0x12345678, 0x9abcdef0];
    const zeros = 5 * 2 ** 30 + 3;
    const half = Math.floor(zeros / 2);
    const stepwise = crc32Combine(crc32Combine(a, 0, half), b, zeros - half);
    expect(crc32Combine(a, b, zeros)).toBe(stepwise);
  });

  test("gzip's length counts modulo 2^32", () => {
    const tail = gzipTail({ crc32: 1, rawBytes: 2 ** 32 + 7 });
    expect(tail.readUInt32LE(4)).toBe(7);
  });
});
