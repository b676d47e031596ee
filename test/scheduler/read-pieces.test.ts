import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredPiece } from '../../src/reports/fragment.ts';
import { openAhead, openInOrder } from '../../src/scheduler/read-pieces.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'daybook-pieces-'));
});
afterAll(() => rmSync(home, { recursive: true }));

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A part with pieces of these lengths, some bytes apart where `gap` says so. */
function partOf(name: string, lengths: readonly number[], gap = 0) {
  const blocks = lengths.map((length, index) => Buffer.alloc(length, `${name}${index},`));
  writeFileSync(
    join(home, name),
    Buffer.concat(blocks.flatMap((block) => [block, Buffer.alloc(gap)])),
  );
  let offset = 0;
  const pieces = blocks.map((block): StoredPiece => {
    const at = offset;
    offset += block.length + gap;
    const sha256 = sha256Of(block);
    return { path: name, offset: at, bytes: block.length, rawBytes: 1, rows: 1, crc32: 0, sha256 };
  });
  return { pieces, bytes: Buffer.concat(blocks) };
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

/** Copies each piece when it is its turn, as who writes them does. */
async function contentOf(days: AsyncIterable<readonly StoredPiece[]>): Promise<Buffer> {
  const got: Buffer[] = [];
  for await (const { open } of openAhead(home, days)) {
    for await (const chunk of open()) got.push(Buffer.from(chunk));
  }
  return Buffer.concat(got);
}

describe('pieces that are read ahead', () => {
  it('come in order with their own bytes, however long they are and wherever they stand', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 700_000 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(lengths, { maxLength: 5 }), fc.nat(3), async (days, gap) => {
        const parts = days.map((day, index) => partOf(`day${index}`, day, gap));
        const expected = Buffer.concat(parts.map(({ bytes }) => bytes));
        const content = await contentOf(each(parts.map(({ pieces }) => pieces)));
        expect(content.equals(expected)).toBe(true);
        const opened = openInOrder(
          home,
          parts.flatMap(({ pieces }) => pieces),
        );
        const again: Buffer[] = [];
        for (const index of parts.flatMap(({ pieces }) => pieces).keys()) {
          for await (const chunk of opened(index)) again.push(Buffer.from(chunk));
        }
        expect(Buffer.concat(again).equals(expected)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('of which one has changed, is short or is not there fail when it is its turn', async () => {
    const { pieces } = partOf('good', [10, 20, 30]);
    for (const bad of [
      { ...pieces[1], sha256: sha256Of(Buffer.from('other')) },
      { ...pieces[2], bytes: 31 },
      { ...pieces[1], path: 'none' },
    ]) {
      const content = contentOf(each([pieces.slice(0, 1), [bad]]));
      await expect(content).rejects.toMatchObject({ code: 'E_PART_DAMAGED' });
    }
  });

  it('do not keep who leaves waiting for days that are still to come', async () => {
    const { pieces } = partOf('first', [100]);
    async function* oneAndNoMore() {
      yield pieces;
      await new Promise(() => {});
    }
    for await (const { open } of openAhead(home, oneAndNoMore())) {
      for await (const chunk of open()) expect(chunk.length).toBe(100);
      break;
    }
  });
});
