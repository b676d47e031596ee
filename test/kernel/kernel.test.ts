import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeColumn, encodeColumn } from '../../src/cache/column-encoding.ts';
import { cellAt, chunkFromRows, columnOf } from '../../src/reports/chunk.ts';
import { Kernel } from '../../src/reports/kernel/kernel.ts';
import { selectRows } from '../../src/reports/select-rows.ts';
// @ts-expect-error: a script without types
import { kernelSource, TO } from '../../wasm/build.mjs';

test('the kernel that is kept is what its source compiles to', async () => {
  expect(readFileSync(TO as string, 'utf8') === ((await kernelSource()) as string)).toBe(true);
});

test('blocks keep their bytes while the memory grows, and never overlap', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3_000_000 }), { maxLength: 20 }), (sizes) => {
      const kernel = new Kernel();
      const blocks = sizes.map((size, index) => ({ size, index, at: kernel.allocate(size) }));
      for (const { at, size, index } of blocks) kernel.bytes(at, size).fill(index);
      for (const { at, size, index } of blocks) {
        expect(kernel.bytes(at, size).every((byte) => byte === index)).toBe(true);
        expect(at % 8).toBe(0);
      }
    }),
    { numRuns: 20 },
  );
});

const FIELDS = [
  { name: 'n', type: 'integer' },
  { name: 't', type: 'text' },
] as const;
const row = fc.tuple(
  fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -3, max: 3 }), fc.constant(null)),
  fc.oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.constant(null)),
);

test('a packed column comes back as it was, and no other way', () => {
  fc.assert(
    fc.property(fc.array(row), (cells) => {
      const chunk = chunkFromRows(FIELDS, cells);
      for (const { name, type } of FIELDS) {
        const column = chunk.columns.get(name);
        if (!column) throw new Error(name);
        const packed = encodeColumn(column, chunk.rows);
        const again = decodeColumn(type, packed, chunk.rows);
        expect(encodeColumn(again, chunk.rows)).toEqual(packed);
        expect(() => decodeColumn(type, packed, chunk.rows + 1)).toThrow('not as long');
      }
    }),
  );
});

test('selected rows are those that were chosen, in their order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(row, fc.boolean())), (marked) => {
      const all = chunkFromRows(
        FIELDS,
        marked.map(([cells]) => cells),
      );
      const chosen = marked.flatMap(([, chosen], index) => (chosen ? [index] : []));
      const wanted = chunkFromRows(
        FIELDS,
        chosen.map((index) => marked[index][0]),
      );
      const got = selectRows(all, Uint32Array.from(chosen));
      expect(got.rows).toBe(wanted.rows);
      for (const { name } of FIELDS) {
        const [a, b] = [got, wanted].map((chunk) =>
          Array.from({ length: chunk.rows }, (_, at) => cellAt(columnOf(chunk, name), at)),
        );
        expect(a).toEqual(b);
      }
    }),
  );
});
