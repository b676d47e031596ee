import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import { type CellValue, CHUNK_ROWS, cellAt, columnOf } from '../../../src/reports/chunk.ts';
import { datasetOf } from '../../../src/reports/dataset.ts';
import type { RowSource, WindowVersion } from '../../../src/reports/ports.ts';

/**
 * What every source of rows promises, whatever stands behind it. A bed puts order lines of two
 * tenants into one place and opens the source over it; the claims are the same for all.
 */

/** A row as the foreign side holds it; every other field is none. */
export interface OrderLine {
  readonly order_id: string;
  readonly line_no: number;
  /** UTC epoch ms. */
  readonly ordered_at: number;
  readonly sku: string;
  readonly description: string | null;
  /** Decimals as text, exact. */
  readonly quantity: string;
  readonly unit_price: string;
  readonly discount: string | null;
}

export type Owner = 'mine' | 'neighbour';

/** What `test/sources` builds for each adapter. */
export interface SourceBed {
  /** Ids for requests; a source over a binding may ignore them. */
  readonly tenantIds: Readonly<Record<Owner, string>>;
  /** The source under test, for one of the two tenants. Closed by the bed. */
  open(owner: Owner): RowSource;
  /** A source whose connection is cut once rows have begun to come, each time that it reads. */
  openCut(owner: Owner): Promise<{ readonly source: RowSource; close(): Promise<void> }>;
  /** All into one table or collection, whoever owns them; as if each had just changed. */
  insert(owner: Owner, lines: readonly OrderLine[]): Promise<void>;
  /** Gives the order's lines another description, and notes that they changed. */
  change(owner: Owner, orderId: string, description: string): Promise<void>;
  remove(owner: Owner, orderId: string): Promise<void>;
  /**
   * A row of `mine` that lacks the required `sku`, at this instant; null where the place itself
   * cannot hold such a row.
   */
  insertBad: ((orderId: string, orderedAt: number) => Promise<void>) | null;
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;
const dayOf = (date: string) => ({ start: Date.parse(date), end: Date.parse(date) + DAY_MS });
const signal = () => AbortSignal.timeout(60_000);
const FIELDS = ['order_id', 'line_no', 'ordered_at', 'sku', 'description'] as const;
const DECIMALS = ['quantity', 'unit_price', 'discount'] as const;

export function orderLine(of: Partial<OrderLine> & { readonly ordered_at: number }): OrderLine {
  return {
    order_id: 'o',
    line_no: 1,
    sku: 's',
    description: null,
    quantity: '1',
    unit_price: '1',
    discount: null,
    ...of,
  };
}

interface Read {
  readonly version: WindowVersion;
  /** Rows of each chunk. */
  readonly chunks: readonly number[];
  readonly rows: readonly Readonly<Record<string, CellValue>>[];
}

/** Reads a window to its end. */
export async function readWindow(
  source: RowSource,
  tenantId: string,
  window: { readonly start: number; readonly end: number },
): Promise<Read> {
  const request = { tenantId, dataset: 'order_lines' as const, window, signal: signal() };
  return source.read(request, async ({ version, chunks }) => {
    const counts: number[] = [];
    const rows: Record<string, CellValue>[] = [];
    for await (const chunk of chunks) {
      counts.push(chunk.rows);
      const names = [...chunk.columns.keys()];
      for (let row = 0; row < chunk.rows; row++) {
        rows.push(
          Object.fromEntries(names.map((name) => [name, cellAt(columnOf(chunk, name), row)])),
        );
      }
    }
    return { version, chunks: counts, rows };
  });
}

export function sourceContract(name: string, makeBed: () => Promise<SourceBed>): void {
  describe(`${name}, as every source`, () => {
    let bed: SourceBed;
    let mine: RowSource;

    beforeAll(async () => {
      bed = await makeBed();
      mine = bed.open('mine');
    });
    afterAll(() => bed?.close());

    const read = (date: string, owner: Owner = 'mine') =>
      readWindow(owner === 'mine' ? mine : bed.open(owner), bed.tenantIds[owner], dayOf(date));
    const versionOf = async (date: string) => {
      const [version] = await mine.versions({
        tenantId: bed.tenantIds.mine,
        dataset: 'order_lines',
        windows: [dayOf(date)],
        signal: signal(),
      });
      return version;
    };

    it('gives a window without rows no chunk, and counts none', async () => {
      const { version, rows } = await read('2026-01-01');
      expect(rows).toEqual([]);
      expect(version.rows).toBe(0);
      expect((await versionOf('2026-01-01')).fingerprint).toBe(version.fingerprint);
    });

    it('gives rows by instant, then by key in the order of code points, whole numbers by value', async () => {
      const { start } = dayOf('2026-01-02');
      const at = (order_id: string, line_no: number, ms: number) =>
        orderLine({ order_id, line_no, ordered_at: start + ms });
      await bed.insert('mine', [
        ...[at('ä', 1, 5), at('b', 10, 5), at('b', 9, 5), at('B', 2, 5), at('a', 1, 4)],
        ...[at('\u{1F600}', 1, 5), at('\uFF5E', 1, 5), at('z', 1, 0), at('Z', 1, 6)],
      ]);
      const { rows } = await read('2026-01-02');
      expect(rows.map((row) => `${row['order_id']}/${row['line_no']}`)).toEqual([
        ...['z/1', 'a/1', 'B/2', 'b/9', 'b/10'],
        ...['ä/1', '\uFF5E/1', '\u{1F600}/1', 'Z/1'],
      ]);
    });

    it('takes a window from its first millisecond to the one before its end', async () => {
      const { start, end } = dayOf('2026-01-03');
      const at = (order_id: string, ordered_at: number) => orderLine({ order_id, ordered_at });
      await bed.insert('mine', [
        ...[at('before', start - 1), at('first', start)],
        ...[at('last', end - 1), at('after', end)],
      ]);
      const { rows, version } = await read('2026-01-03');
      expect(rows.map((row) => row['order_id'])).toEqual(['first', 'last']);
      expect(rows.map((row) => row['ordered_at'])).toEqual([start, end - 1]);
      expect(version.rows).toBe(2);
    });

    it('keeps decimals of thirty digits, whole numbers up to 2^53 and text of any script exact', async () => {
      const { start } = dayOf('2026-01-05');
      const lines = [
        orderLine({
          order_id: 'exact-1',
          line_no: Number.MAX_SAFE_INTEGER,
          ordered_at: start,
          description: '\u{1F600} שלום "quoted", tab\tand\nline — ﬁn é e\u0301',
          quantity: '123456789012345678901234567.891',
          unit_price: '-0.000000000000000000000000000001',
          discount: '12.50',
        }),
        orderLine({
          order_id: 'exact-2',
          line_no: -Number.MAX_SAFE_INTEGER,
          ordered_at: start + 1,
          description: '=HYPERLINK("http://example.com")',
          quantity: '0',
          unit_price: '999999999999999999999999999999',
        }),
      ];
      await bed.insert('mine', lines);
      const { rows } = await read('2026-01-05');
      const kept = rows.map((row) =>
        Object.fromEntries([...FIELDS, ...DECIMALS].map((field) => [field, row[field]])),
      );
      expect(kept).toEqual(lines);
      const names = datasetOf('order_lines').fields.map((field) => field.name);
      expect(Object.keys(rows[0]).sort()).toEqual([...names].sort());
    });

    it('cuts a long window into full chunks and a rest, and loses no row', async () => {
      const { start } = dayOf('2026-01-06');
      const lines = Array.from({ length: CHUNK_ROWS + 10 }, (_, index) =>
        orderLine({ order_id: `bulk-${index}`, line_no: index, ordered_at: start + index }),
      );
      await bed.insert('mine', lines);
      const { rows, chunks, version } = await read('2026-01-06');
      expect(chunks).toEqual([CHUNK_ROWS, 10]);
      expect(version.rows).toBe(lines.length);
      expect(rows.map((row) => row['line_no'])).toEqual(lines.map((line) => line.line_no));
    });

    it('never shows the row of a neighbour in the same place', async () => {
      const { start } = dayOf('2026-01-07');
      const at = (order_id: string) => orderLine({ order_id, ordered_at: start });
      await bed.insert('neighbour', [at('theirs-1'), at('theirs-2')]);
      expect((await versionOf('2026-01-07')).rows).toBe(0);
      expect((await read('2026-01-07')).rows).toEqual([]);
      await bed.insert('mine', [at('ours')]);
      expect((await read('2026-01-07')).rows.map((row) => row['order_id'])).toEqual(['ours']);
      const theirs = (await read('2026-01-07', 'neighbour')).rows;
      expect(theirs.map((row) => row['order_id'])).toEqual(['theirs-1', 'theirs-2']);
    });

    it('gives a window another version when a row of it is added, changed or removed, and only then', async () => {
      const { start } = dayOf('2026-01-08');
      const at = (order_id: string, ms: number) => orderLine({ order_id, ordered_at: start + ms });
      const seen: string[] = [];
      const expectNew = async (what: string) => {
        const { fingerprint } = await versionOf('2026-01-08');
        expect(seen, what).not.toContain(fingerprint);
        expect((await read('2026-01-08')).version.fingerprint, what).toBe(fingerprint);
        seen.push(fingerprint);
      };
      await bed.insert('mine', [at('v-1', 0), at('v-2', 1)]);
      await expectNew('two rows');
      await bed.insert('neighbour', [at('v-3', 2)]);
      await bed.insert('mine', [orderLine({ order_id: 'v-4', ordered_at: start + DAY_MS })]);
      expect((await versionOf('2026-01-08')).fingerprint, 'rows elsewhere').toBe(seen[0]);
      await bed.insert('mine', [at('v-0', 2)]);
      await expectNew('a row added');
      await bed.change('mine', 'v-1', 'another');
      await expectNew('a row changed');
      await bed.remove('mine', 'v-2');
      await expectNew('a row removed');
    });

    it('answers for many windows at once, in their order', async () => {
      const windows = ['2026-01-03', '2026-01-01', '2026-01-06', '2026-01-05'].map(dayOf);
      const { mine: tenantId } = bed.tenantIds;
      const request = { tenantId, dataset: 'order_lines' as const, signal: signal() };
      const together = await mine.versions({ ...request, windows });
      expect(together.map(({ rows }) => rows)).toEqual([2, 0, CHUNK_ROWS + 10, 2]);
      for (const [index, window] of windows.entries()) {
        const [alone] = await mine.versions({ ...request, windows: [window] });
        expect(alone).toEqual(together[index]);
      }
      expect(await mine.versions({ ...request, windows: [] })).toEqual([]);
    });

    it('stops in the middle with the reason of its signal, and reads again afterwards', async () => {
      const stop = new AbortController();
      const { mine: tenantId } = bed.tenantIds;
      const reading = mine.read(
        {
          ...{ tenantId, dataset: 'order_lines', window: dayOf('2026-01-06') },
          signal: stop.signal,
        },
        async ({ chunks }) => {
          for await (const _ of chunks) stop.abort(new Error('enough'));
        },
      );
      await expect(reading).rejects.toThrow('enough');
      expect((await read('2026-01-03')).rows).toHaveLength(2);
    });

    it('fails when its connection is cut in the middle: never success on a part of the rows', async () => {
      const { source, close } = await bed.openCut('mine');
      try {
        const reading = readWindow(source, bed.tenantIds.mine, dayOf('2026-01-06'));
        const error = await reading.then(
          ({ rows }) => `success with ${rows.length} rows`,
          (thrown) => thrown,
        );
        expect(error).toBeInstanceOf(DaybookError);
        expect((error as DaybookError).retryable).toBe(true);
      } finally {
        await close();
      }
    });

    it('fails a window with a row that lacks a required field, and names the row and the field', async () => {
      if (bed.insertBad === null) return;
      const { start } = dayOf('2026-01-09');
      await bed.insert('mine', [orderLine({ order_id: 'good', ordered_at: start })]);
      await bed.insertBad('bad-one', start + 1);
      const error = await read('2026-01-09').catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'E_SOURCE_ROW', details: { field: 'sku' } });
      expect((error as Error).message).toContain('bad-one');
    });
  });
}
