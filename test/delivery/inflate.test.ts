import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gunzip } from '../../src/delivery/inflate.ts';
import { storedText } from '../support/stored-text.ts';

const TEXT = Buffer.from('a line of text, 7\r\n'.repeat(3_000));
const { stored: STORED } = storedText([TEXT.subarray(0, 20_000), TEXT.subarray(20_000)]);

async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const got: Buffer[] = [];
  for await (const chunk of chunks) got.push(chunk);
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
  await expect(all(gunzip(of(Buffer.from('no gzip'))))).rejects.toMatchObject({ code: 'E_IO' });
  const damaged = gzipSync(TEXT);
  damaged[damaged.length - 6] ^= 1;
  await expect(all(gunzip(of(damaged)))).rejects.toMatchObject({ code: 'E_IO' });
  await expect(all(gunzip(of(gzipSync(TEXT).subarray(0, 50))))).rejects.toMatchObject({
    code: 'E_IO',
  });
});
