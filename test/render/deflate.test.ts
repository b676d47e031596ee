import { crc32, gunzipSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32Combine } from '../../src/reports/render/crc32.ts';
import { deflatePiece, FINAL_BLOCK } from '../../src/reports/render/deflate.ts';
import { GZIP_HEAD, gzipTail } from '../../src/reports/render/gzip.ts';
import { joinRuns } from '../../src/reports/render/splice.ts';

const bytes = fc.uint8Array({ maxLength: 5_000 });

/** What a stretch of text is made of; it may repeat what came before it. */
const stretch = fc.record({
  kind: fc.constantFrom('noise', 'skewed', 'run', 'passage'),
  length: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 60_000 })),
  back: fc.integer({ min: 1, max: 40_000 }),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 2 }),
});
type Stretch = { kind: string; length: number; back: number; seed: number };

function textOf(stretches: readonly Stretch[]): Buffer {
  const text = Buffer.alloc(stretches.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const { kind, length, back, seed } of stretches) {
    const next = chance(seed);
    for (const end = at + length; at < end; at++) {
      if (kind === 'noise') text[at] = next() * 256;
      else if (kind === 'skewed') text[at] = 256 * next() ** 6;
      else if (kind === 'run') text[at] = seed & 255;
      else text[at] = at >= back ? text[at - back] : 65;
    }
  }
  return text;
}

/** Park and Miller's. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

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

  test.each([
    ['of some bytes', Buffer.from('a,b\r\n')],
    ['of many', Buffer.from('a,b,"c"\r\n'.repeat(400_000))],
  ])('a piece %s has no final block and ends on a byte boundary', (_, raw) => {
    const { data } = deflatePiece(raw, 1);
    expect(data.subarray(-4).toString('hex')).toBe('0000ffff');
    expect(() => inflateRawSync(data)).toThrow(/unexpected end/);
  });

  test('what chance makes of noise, skewed letters, runs and old passages comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(stretch, { minLength: 1, maxLength: 60 }), (stretches) => {
        const raw = textOf(stretches);
        const { piece, data } = deflatePiece(raw, 1);
        expect(inflateRawSync(Buffer.concat([data, FINAL_BLOCK])).equals(raw)).toBe(true);
        expect(piece).toEqual({
          rows: 1,
          bytes: data.length,
          rawBytes: raw.length,
          crc32: crc32(raw),
        });
        // Noise is stored: it grows by the heads of its blocks and by nothing else.
        expect(data.length).toBeLessThan(raw.length + (raw.length >> 12) + 64);
      }),
      { numRuns: 150 },
    );
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
