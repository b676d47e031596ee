import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFilesFolder } from '../../src/cache/unfinished.ts';
import { FINAL_BLOCK } from '../../src/reports/render/deflate.ts';
import { GZIP_HEAD, gzipTail } from '../../src/reports/render/gzip.ts';
import { deflateOwn, joinRuns } from '../../src/reports/render/splice.ts';
import { openArtifact, type WrittenArtifact } from '../../src/scheduler/artifact.ts';
import { BLOCK_BYTES } from '../../src/scheduler/block-index.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'daybook-artifact-'));
  makeFilesFolder(home);
});
afterAll(() => rmSync(home, { recursive: true }));

const stored = () => readFileSync(join(home, 'files', 't', 'a'));
const filesLeft = () => readdirSync(home, { recursive: true, withFileTypes: true }).length;

function artifactOf(coding: 'identity' | 'gzip', onBytes: (bytes: number) => void = () => {}) {
  return openArtifact({ home, path: 'files/t/a', coding, onBytes });
}

/** Writes pieces as text is written: a member's head, the pieces, a tail. */
async function writeText(texts: readonly Buffer[]): Promise<WrittenArtifact> {
  const artifact = artifactOf('gzip');
  await artifact.write(GZIP_HEAD);
  artifact.cut(0);
  const runs = texts.map((text) => deflateOwn(text));
  for (const run of runs) {
    await artifact.write(run.data);
    artifact.cut(run.rawBytes);
  }
  await artifact.write(FINAL_BLOCK);
  await artifact.write(gzipTail(joinRuns(runs)));
  artifact.cut(0);
  return artifact.commit();
}

/** What blocks must be, whatever the file: they tile it, and each bears its checksum. */
function demandBlocks(written: WrittenArtifact, bytes: Buffer): void {
  let at = 0;
  for (const block of written.blocks) {
    expect(crc32(bytes.subarray(at, at + block.bytes))).toBe(block.crc32);
    at += block.bytes;
  }
  expect(at).toBe(bytes.length);
  expect(written.storedBytes).toBe(bytes.length);
}

describe('a file that is stored as it is', () => {
  it('has the bytes and the blocks of what was written, in whatever portions', async () => {
    const portions = fc.array(fc.integer({ min: 0, max: 700_000 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(portions, async (lengths) => {
        const artifact = artifactOf('identity');
        // One buffer for all: who writes may use it again once it was taken.
        const buffer = Buffer.alloc(700_000);
        const all: Buffer[] = [];
        for (const [index, length] of lengths.entries()) {
          buffer.fill(index + 1);
          all.push(Buffer.from(buffer.subarray(0, length)));
          await artifact.write(buffer.subarray(0, length));
        }
        const written = await artifact.commit();
        const expected = Buffer.concat(all);
        expect(stored().equals(expected)).toBe(true);
        expect(written.bytes).toBe(expected.length);
        demandBlocks(written, expected);
        const sizes = written.blocks.map(({ bytes }) => bytes);
        expect(sizes.slice(0, -1).every((bytes) => bytes === BLOCK_BYTES)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});

describe('a file that is stored coded', () => {
  it('has the length of the text in it, and blocks that inflate to it', async () => {
    const text = fc.nat(40_000).map((lines) => Buffer.from(`${lines * 7919},x\r\n`.repeat(lines)));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 6 }), async (texts) => {
        const written = await writeText(texts);
        const raw = Buffer.concat(texts);
        expect(gunzipSync(stored()).equals(raw)).toBe(true);
        expect(written.bytes).toBe(raw.length);
        demandBlocks(written, stored());
        expect(written.blocks.reduce((sum, { rawBytes }) => sum + rawBytes, 0)).toBe(raw.length);
      }),
      { numRuns: 25 },
    );
  });
});

describe('a file in the making', () => {
  it('can be read up to what was told, from where it was told, before it is whole', async () => {
    const told: { bytes: number; path: string; isWhole: boolean }[] = [];
    const artifact = openArtifact({
      home,
      path: 'files/t/a',
      coding: 'identity',
      onBytes: (bytes, path, isWhole) => told.push({ bytes, path, isWhole }),
    });
    await artifact.write(Buffer.alloc(3_000_000, 'x'));
    const { bytes, path } = told[told.length - 1];
    expect(bytes).toBeGreaterThan(1_000_000);
    const reader = await open(join(home, path), 'r');
    const read = await reader.read(Buffer.alloc(3_000_000), 0, 3_000_000, 0);
    expect(read.bytesRead).toBeGreaterThanOrEqual(bytes);
    await artifact.write(Buffer.alloc(1_000_000, 'y'));
    const { storedBytes } = await artifact.commit();
    expect(told.filter(({ isWhole }) => isWhole)).toEqual([told.at(-1)]);
    expect(told.at(-1)).toEqual({ bytes: storedBytes, path, isWhole: true });
    // It has its last name now; who reads it goes on.
    expect(existsSync(join(home, path))).toBe(false);
    const { bytesRead } = await reader.read(Buffer.alloc(5_000_000), 0, 5_000_000, 0);
    expect(bytesRead).toBe(4_000_000);
    await reader.close();
  });

  it('tells of a few bytes too, while nothing follows them', async () => {
    let artifact: ReturnType<typeof artifactOf> | null = null;
    const told = await new Promise<number>((resolve) => {
      artifact = artifactOf('identity', resolve);
      void artifact.write(Buffer.from('a day'));
    });
    expect(told).toBe(5);
    await (artifact as unknown as ReturnType<typeof artifactOf>).abort();
  });

  it('is not begun, nor put in its place, while the folder of files is away, and makes none', async () => {
    const [files, away] = [join(home, 'files'), join(home, 'away')];
    const begun = artifactOf('identity');
    await begun.write(Buffer.alloc(2_000_000));
    renameSync(files, away);
    const refused = { code: 'E_NO_DISK', retryable: true };
    await expect(begun.commit()).rejects.toMatchObject(refused);
    await begun.abort();
    const other = artifactOf('gzip');
    await other.write(Buffer.from('x'));
    await expect(other.commit()).rejects.toMatchObject(refused);
    await other.abort();
    expect(existsSync(files)).toBe(false);
    renameSync(away, files);
    const again = artifactOf('identity');
    await again.write(Buffer.from('x'));
    expect(await again.commit()).toMatchObject({ bytes: 1 });
  });

  it('leaves nothing when it is given up', async () => {
    rmSync(join(home, 'files', 't', 'a'), { force: true });
    const before = filesLeft();
    const artifact = artifactOf('gzip');
    await artifact.write(Buffer.alloc(9_000_000));
    await artifact.abort();
    expect(filesLeft()).toBe(before);
  });
});
