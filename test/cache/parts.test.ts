import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeColumn, encodeColumn } from '../../src/cache/column-encoding.ts';
import { createPartStore } from '../../src/cache/part-store.ts';
import {
  type Chunk,
  cellAt,
  chunkFromRows,
  columnFromCells,
  columnOf,
} from '../../src/reports/chunk.ts';
import { datasetOf } from '../../src/reports/dataset.ts';
import type { RowsPartRef } from '../../src/reports/day-task.ts';

const cellsOf = (chunk: Chunk, field: string) =>
  Array.from({ length: chunk.rows }, (_, row) => cellAt(columnOf(chunk, field), row));

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'daybook-parts-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('columns of a rows part', () => {
  it('come back as they went, numbers of any size and either sign and none', () => {
    const number = fc.oneof(
      fc.maxSafeInteger().map((value) => Math.trunc(value / 4)),
      fc.integer({ min: -5, max: 5 }),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(number), (cells) => {
        const column = columnFromCells('integer', cells);
        const back = decodeColumn('integer', encodeColumn(column, cells.length), cells.length);
        expect(cells.map((_, row) => cellAt(back, row))).toEqual(
          cells.map((cell) => (cell === null ? null : cell + 0)),
        );
      }),
    );
  });

  it('come back as they went, texts of any length and none', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.constant(null),
      fc.constant('x'.repeat(20_000)),
    );
    fc.assert(
      fc.property(fc.array(text), (cells) => {
        const column = columnFromCells('text', cells);
        const back = decodeColumn('text', encodeColumn(column, cells.length), cells.length);
        expect(cells.map((_, row) => cellAt(back, row))).toEqual(cells);
      }),
    );
  });
});

describe('a rows part', () => {
  const dataset = datasetOf('calls');
  const FIELDS = ['external_id', 'started_at', 'talk_seconds'];
  const chunk = chunkFromRows(
    dataset.fields,
    Array.from({ length: 300 }, (_, row) =>
      dataset.fields.map((field) =>
        field.type === 'text' ? `${field.name}-${row % 7}-${row}` : row * 1000,
      ),
    ),
  );

  async function write(): Promise<RowsPartRef> {
    const place = { tenantId: 'tenant', key: 'aabb', scratchDir: null };
    const writer = createPartStore(home).openRowsWriter({ place, dataset, dataAsOf: 5 });
    writer.add(chunk);
    return writer.commit();
  }

  async function read(ref: RowsPartRef): Promise<number> {
    let rows = 0;
    for await (const each of createPartStore(home).readRows(ref, dataset)) {
      for (const field of FIELDS) expect(cellsOf(each, field)).toEqual(cellsOf(chunk, field));
      rows += each.rows;
    }
    return rows;
  }

  it('gives each field that is asked for as it was', async () => {
    const ref = await write();
    expect(ref.rows).toBe(300);
    expect(await read(ref)).toBe(300);
  });

  it('is refused after any one flipped bit that a reader meets', async () => {
    const ref = await write();
    const path = join(home, ref.path);
    const whole = readFileSync(path);
    let found = 0;
    const readAll = async () => {
      for await (const { columns } of createPartStore(home).readRows(ref, dataset)) {
        for (const { name } of dataset.fields) columns.get(name);
      }
    };
    const positions = Array.from({ length: 100 }, (_, i) => Math.floor((i * whole.length) / 100));
    for (const position of positions) {
      const flipped = Buffer.from(whole);
      flipped[position] ^= 1 << (position % 8);
      writeFileSync(path, flipped);
      await readAll().catch((error) => {
        expect(error).toMatchObject({ code: 'E_PART_DAMAGED' });
        found += 1;
      });
    }
    expect(found).toBe(positions.length);
    writeFileSync(path, whole);
  });

  it('is refused when it is cut off or gone', async () => {
    const ref = await write();
    const path = join(home, ref.path);
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    await expect(read(ref)).rejects.toMatchObject({ code: 'E_PART_DAMAGED' });
    rmSync(path);
    await expect(read(ref)).rejects.toMatchObject({ code: 'E_PART_DAMAGED' });
  });

  it('leaves nothing behind when it is given up', () => {
    const place = { tenantId: 'other', key: 'ccdd', scratchDir: null };
    const writer = createPartStore(home).openRowsWriter({ place, dataset, dataAsOf: null });
    writer.add(chunk);
    writer.abort();
    const left = readdirSync(home, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => name.includes('ccdd'))).toEqual([]);
  });
});
