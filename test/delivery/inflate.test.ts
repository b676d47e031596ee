import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gunzip, inflateRaw } from '../../src/delivery/inflate.ts';
import { storedText } from '../support/stored-text.ts';

const TEXT = Buffer.from('a line of text, 7\r\n'.repeat(3_000));
const { stored: STORED } = storedText([TEXT.subarray(0, 20_000), TEXT.subarray(20_000)]);

async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const got: Buffer[] = [];
  for await (const chunk of chunks) got.push(Buffer.from(chunk));
  return Buffer.concat(got);
}

async function* cutAt(places: readonly number[], end = async () => {}) {
  const edges = [0, ...places.toSorted((a, b) => a - b), STORED.length];
  for (let i = 1; i < edges.length; i++) yield STORED.subarray(edges[i - 1], edges[i]);
  await end();
}

describe('gunzip', () => {
  it('gives the text, wherever the member is cut', async () => {
    // Within the head and the tail above all.
    const place = fc.oneof(
      fc.nat(STORED.length),
      fc.nat(12),
      fc.nat(12).map((back) => STORED.length - back),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(place, { maxLength: 6 }), async (places) => {
        expect((await all(gunzip(cutAt(places)))).equals(TEXT)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('is not at its end before what it reads is, though nothing more can come out', async () => {
    let end = () => {};
    const held = new Promise<void>((resolve) => {
      end = resolve;
    });
    const chunks = gunzip(cutAt([STORED.length - 5], () => held));
    let got = 0;
    while (got < TEXT.length) got += ((await chunks.next()).value as Buffer).length;
    const last = chunks.next();
    const first = await Promise.race([
      last,
      new Promise((resolve) => setImmediate(resolve, 'not yet')),
    ]);
    expect(first).toBe('not yet');
    end();
    expect((await last).done).toBe(true);
  });

  it('fails with what it reads, though all the text has come out', async () => {
    const failing = cutAt([STORED.length - 5], async () => {
      throw new Error('given up');
    });
    await expect(all(gunzip(failing))).rejects.toThrow('given up');
  });
});

it('what is no gzip, or is damaged, is told as E_IO', async () => {
  async function* of(bytes: Buffer) {
    yield bytes;
  }
  const isRefused = (bytes: Buffer) =>
    expect(all(gunzip(of(bytes)))).rejects.toMatchObject({ code: 'E_IO' });
  await isRefused(Buffer.from('no gzip'));
  await isRefused(Buffer.alloc(0));
  for (let cut = 0; cut < STORED.length; cut += 7) await isRefused(STORED.subarray(0, cut));
  await isRefused(Buffer.concat([STORED, STORED.subarray(0, 1)]));
  for (let at = 0; at < STORED.length; at++) {
    const damaged = Buffer.from(STORED);
    damaged[at] ^= 1 << (at % 8);
    // The bits that fill up a byte mean nothing.
    const got = await all(gunzip(of(damaged))).catch((error) => error);
    if (got instanceof Error) expect(got).toMatchObject({ code: 'E_IO' });
    else expect(got.equals(TEXT)).toBe(true);
  }
});

describe('inflating', () => {
  const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_DEFAULT_STRATEGY } = constants;
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 3_000 }),
    // Matches near and far, and runs longer than a block holds symbols.
    fc
      .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(3_000)), { maxLength: 12 })
      .map((runs) =>
        Buffer.concat(
          runs.map(([bytes, times]) => Buffer.alloc(bytes.length * times, Buffer.from(bytes))),
        ),
      ),
  );
  const settings = fc.record({
    level: fc.constantFrom(0, 1, 6, 9),
    strategy: fc.constantFrom(Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE),
    memLevel: fc.constantFrom(1, 8, 9),
  });

  it('gives what was deflated, however it was and wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(text, settings, fc.array(fc.nat()), async (bytes, how, places) => {
        const deflated = deflateRawSync(bytes, how);
        const edges = [0, ...places.map((place) => place % (deflated.length + 1)), deflated.length];
        edges.sort((a, b) => a - b);
        async function* cut() {
          for (let i = 1; i < edges.length; i++) yield deflated.subarray(edges[i - 1], edges[i]);
        }
        const got: Buffer[] = [];
        // What it gave is overwritten by what comes next.
        for await (const chunk of inflateRaw(cut())) got.push(Buffer.from(chunk));
        expect(Buffer.concat(got).equals(Buffer.from(bytes))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('of anything at all ends, in what zlib makes of it or in E_IO', async () => {
    let whole = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        fc.nat(7),
        async (bytes, head) => {
          // Mostly with the head of a block that there is.
          bytes[0] = (bytes[0] & 0xf8) | head;
          async function* once() {
            yield bytes;
          }
          const ours = await all(inflateRaw(once())).catch((error) => error);
          let theirs: Buffer | null = null;
          try {
            theirs = inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
          } catch {
            // It may be that more would have to come before it is known to be wrong.
            if (ours instanceof Error) expect(ours).toMatchObject({ code: 'E_IO' });
            return;
          }
          whole += 1;
          expect(theirs.equals(ours as Buffer)).toBe(true);
        },
      ),
      { numRuns: 5_000 },
    );
    expect(whole).toBeGreaterThan(25);
  });
});
