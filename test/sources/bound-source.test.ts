import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkFromRows } from '../../src/reports/chunk.ts';
import { datasetOf } from '../../src/reports/dataset.ts';
import type { RowSource } from '../../src/reports/ports.ts';
import { type Binding, createBoundSource, partWindow } from '../../src/sources/bound-source.ts';
import type { ForeignSource } from '../../src/sources/foreign-source.ts';
import { readWindow } from './support/source-contract.ts';

/** A source with a row at each whole number of its instants, named after it. */
function tenfold(name: string, revision = 1): ForeignSource {
  const rowsIn = (start: number, end: number) =>
    Array.from({ length: Math.max(0, end - start) }, (_, index) => start + index);
  const versionOf = ({ start, end }: { start: number; end: number }) => ({
    fingerprint: `${revision}`,
    changedAt: end,
    rows: rowsIn(start, end).length,
  });
  const { fields } = datasetOf('order_lines');
  const source: RowSource = {
    versions: async ({ windows }) => windows.map(versionOf),
    read: async ({ window }, consume) => {
      async function* chunks() {
        for (const at of rowsIn(window.start, window.end)) {
          const cells = fields.map((field) =>
            field.name === 'ordered_at' ? at : field.name === 'order_id' ? name : null,
          );
          yield chunkFromRows(fields, [cells]);
        }
      }
      return consume({ version: versionOf(window), chunks: chunks() });
    },
  };
  return { ...source, check: async () => ({ server: name, sample: 0 }), close: async () => {} };
}

function bound(name: string, start: number, end: number, key = name): Binding {
  return { key, start, end, use: (work) => work(tenfold(name)) };
}

const over = (...bindings: Binding[]) =>
  createBoundSource({ own: tenfold('own'), bindingsOf: async () => bindings });
const rowsOf = async (source: RowSource, start: number, end: number) =>
  (await readWindow(source, 't', { start, end })).rows.map(
    (row) => `${row['order_id']} ${row['ordered_at']}`,
  );
const versionsOf = (source: RowSource, ...windows: { start: number; end: number }[]) =>
  source.versions({
    ...{ tenantId: 't', dataset: 'order_lines', windows },
    signal: AbortSignal.timeout(5_000),
  });

describe('rows that stand in several places', () => {
  it('come from our own tables alone where nothing is bound', async () => {
    expect(await rowsOf(over(), 0, 2)).toEqual(['own 0', 'own 1']);
    const [bare] = await versionsOf(tenfold('own'), { start: 0, end: 2 });
    expect(await versionsOf(over(), { start: 0, end: 2 })).toEqual([bare]);
  });

  it('come from each place for its own instants, in order, where a window lies across', async () => {
    const source = over(bound('old', Number.NEGATIVE_INFINITY, 2), bound('new', 3, 5));
    expect(await rowsOf(source, 1, 5)).toEqual(['old 1', 'own 2', 'new 3', 'new 4']);
    expect(await rowsOf(source, 0, 2)).toEqual(['old 0', 'old 1']);
    const [across] = await versionsOf(source, { start: 1, end: 5 });
    expect(across).toMatchObject({ rows: 4, changedAt: 5 });
    expect((await readWindow(source, 't', { start: 1, end: 5 })).version).toEqual(across);
  });

  it('have another version when another binding answers, though the rows say the same of themselves', async () => {
    const window = { start: 0, end: 2 };
    const all = await Promise.all([
      versionsOf(over(), window),
      versionsOf(over(bound('a', 0, 9)), window),
      versionsOf(over(bound('b', 0, 9)), window),
      versionsOf(over(bound('a', 0, 9, 'a, saved again')), window),
      versionsOf(over(bound('a', 0, 1)), window),
      versionsOf(over(bound('a', 1, 9)), window),
    ]);
    expect(new Set(all.map(([{ fingerprint }]) => fingerprint)).size).toBe(all.length);
  });

  it('refuse a window within which a binding begins and ends, rather than hold two of our own readings', async () => {
    await expect(rowsOf(over(bound('x', 1, 2)), 0, 4)).rejects.toMatchObject({ code: 'E_SOURCE' });
  });

  it('part any window without a gap or an overlap, each piece to whoever answers for it', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 2, maxLength: 10 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 30 }),
        (edges, start, length) => {
          const sorted = [...edges].sort((a, b) => a - b);
          const bindings = sorted
            .slice(0, -1)
            .flatMap((edge, at) => (at % 2 === 0 ? [bound(`b${at}`, edge, sorted[at + 1])] : []));
          const end = start + length;
          const segments = partWindow({ start, end }, bindings);
          expect(segments[0].start).toBe(start);
          expect(segments.at(-1)?.end).toBe(end);
          for (let at = start; at < end; at++) {
            const within = segments.filter((each) => at >= each.start && at < each.end);
            expect(within).toHaveLength(1);
            const answers = bindings.find((each) => at >= each.start && at < each.end) ?? null;
            expect(within[0].binding).toBe(answers);
          }
        },
      ),
    );
  });
});
