import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type OpenedFile, readContent, readStored } from '../../src/delivery/read-file.ts';
import { storedText } from '../support/stored-text.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-read-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Lines that differ, cut into pieces of very different lengths; some are empty. */
const PIECES = [0, 1, 40_000, 0, 7, 90_000, 3, 3, 3, 20_000].map((lines, piece) =>
  Buffer.from(Array.from({ length: lines }, (_, i) => `${piece},${i * 7919}\r\n`).join('')),
);
const TEXT = Buffer.concat(PIECES);
const { stored: STORED, blocks: BLOCKS } = storedText(PIECES);

async function opened(stored: Buffer, over: Partial<OpenedFile> = {}): Promise<OpenedFile> {
  const path = join(folder, 'file');
  writeFileSync(path, stored);
  const handle = await open(path, 'r');
  onTestFinished(() => handle.close());
  return {
    ...{ handle, path, coding: 'gzip', storedBytes: stored.length, blocks: BLOCKS },
    ...over,
  };
}

/** Chunks are good until the next is asked for; so each is copied. */
async function allOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  async function* copied() {
    for await (const chunk of chunks) yield Buffer.from(chunk);
  }
  return buffer(copied());
}

const span = (bytes: number) =>
  fc
    .tuple(fc.nat(bytes - 1), fc.nat(bytes - 1))
    .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
/** At, before and behind the edges of pieces, where mistakes by one show. */
const EDGES = PIECES.map((_, index) => Buffer.concat(PIECES.slice(0, index + 1)).length);
const atEdges = fc
  .tuple(fc.constantFrom(...EDGES), fc.integer({ min: -2, max: 2 }), fc.nat(3))
  .map(([edge, shift, length]) => {
    const first = Math.min(Math.max(0, edge + shift), TEXT.length - 1);
    return { first, last: Math.min(TEXT.length - 1, first + length) };
  });

describe('a coded file', () => {
  it('gives any span of what is in it, and of what it is', async () => {
    const file = await opened(STORED);
    const content = fc.oneof(span(TEXT.length), atEdges);
    await fc.assert(
      fc.asyncProperty(content, span(STORED.length), async (inText, inStored) => {
        const raw = await allOf(readContent(file, inText));
        expect(raw.equals(TEXT.subarray(inText.first, inText.last + 1))).toBe(true);
        const bytes = await allOf(readStored(file, inStored));
        expect(bytes.equals(STORED.subarray(inStored.first, inStored.last + 1))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('is read from the block on that a span begins in, not from the beginning', async () => {
    const damaged = Buffer.from(STORED);
    damaged[100] ^= 1;
    const file = await opened(damaged);
    const last = { first: TEXT.length - 10, last: TEXT.length - 1 };
    expect((await allOf(readContent(file, last))).equals(TEXT.subarray(-10))).toBe(true);
    await expect(allOf(readContent(file, { first: 0, last: 5 }))).rejects.toMatchObject({
      code: 'E_IO',
    });
  });
});

describe('a file of which a bit has changed on the disk', () => {
  it.each(['gzip', 'identity'] as const)(
    'gives right bytes and then fails, whatever the bit (%s)',
    async (coding) => {
      const bits = fc.nat(STORED.length * 8 - 1);
      await fc.assert(
        fc.asyncProperty(bits, async (bit) => {
          const damaged = Buffer.from(STORED);
          damaged[bit >> 3] ^= 1 << (bit & 7);
          const file = await opened(damaged, { coding });
          const whole = { first: 0, last: STORED.length - 1 };
          const given: Buffer[] = [];
          await expect(async () => {
            for await (const chunk of readStored(file, whole)) given.push(Buffer.from(chunk));
          }).rejects.toMatchObject({ code: 'E_IO' });
          const good = Buffer.concat(given);
          expect(good.equals(STORED.subarray(0, good.length))).toBe(true);
          expect(good.length).toBeLessThanOrEqual(bit >> 3);
        }),
        { numRuns: 60 },
      );
    },
  );

  it('fails inflated too, before anything of the block has gone out', async () => {
    const damaged = Buffer.from(STORED);
    damaged[damaged.length >> 1] ^= 0x10;
    const file = await opened(damaged);
    const given: Buffer[] = [];
    await expect(async () => {
      const all = { first: 0, last: TEXT.length - 1 };
      for await (const chunk of readContent(file, all)) given.push(Buffer.from(chunk));
    }).rejects.toMatchObject({ code: 'E_IO' });
    const good = Buffer.concat(given);
    expect(good.equals(TEXT.subarray(0, good.length))).toBe(true);
  });
});

it('a file that became shorter while it is read fails', async () => {
  const file = await opened(STORED.subarray(0, -20), { storedBytes: STORED.length });
  const whole = { first: 0, last: STORED.length - 1 };
  await expect(allOf(readStored(file, whole))).rejects.toMatchObject({ code: 'E_IO' });
});

it('a file from before blocks were entered is read as it is', async () => {
  const plain = Buffer.alloc(2_500_000, 'daybook');
  const file = await opened(plain, { coding: 'identity', blocks: null });
  const some = { first: 1_048_570, last: 2_097_160 };
  const bytes = await allOf(readContent(file, some));
  expect(crc32(bytes)).toBe(crc32(plain.subarray(some.first, some.last + 1)));
});
