import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellAt } from '../../src/reports/chunk.ts';
import { datasetOf } from '../../src/reports/dataset.ts';
import { columnsAt, mergeOf, type ReportKind } from '../../src/reports/define-report.ts';
import {
  createFold,
  detailFold,
  foldBy,
  mergeTotals,
  summaryFold,
} from '../../src/reports/fold.ts';
import { outColumns } from '../../src/reports/out-columns.ts';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import { projectGroups, projectRows } from '../../src/reports/project.ts';
import { listReportKinds } from '../../src/reports/registry.ts';
import { LOCALES, REPORT_NAMES, type ReportRequest } from '../../src/reports/request.ts';
import type { DayTotals, FoldSpec } from '../../src/reports/totals.ts';
import { chunkOf, chunksOf, DAYS, daysOfRows, type Row } from './naive-rows.ts';

/** What every kind of report must hold. A new kind is checked by being in the registry. */

function requestOf(kind: ReportKind, more: Record<string, unknown> = {}): ReportRequest {
  return parseReportRequest(
    { report: kind.name, from: '2025-10-25', to: '2025-10-27', ...more },
    { locale: 'en' },
  );
}

function foldDay(spec: FoldSpec, kind: ReportKind, rows: readonly Row[], day = DAYS[0]): DayTotals {
  const fold = createFold(spec, day);
  fold.add(chunkOf(datasetOf(kind.dataset), rows), null);
  return fold.totals();
}

function specsOf(kind: ReportKind): FoldSpec[] {
  const request = requestOf(kind);
  return [
    summaryFold(kind, request),
    ...kind.grains.map((grain) => detailFold(kind, requestOf(kind, { grain }))),
    ...kind.dimensions.map(({ key }) => foldBy(request, [key])),
    foldBy(
      request,
      kind.dimensions.slice(0, 3).map(({ key }) => key),
    ),
  ];
}

it('the registry holds exactly the reports that requests may name', () => {
  expect(listReportKinds().map(({ name }) => name)).toEqual([...REPORT_NAMES]);
});

describe.each(listReportKinds().map((kind) => [kind.name, kind] as const))('%s', (_, kind) => {
  const dataset = datasetOf(kind.dataset);

  it('answers a request that names only report and period, in every locale and grain', () => {
    for (const locale of LOCALES) {
      for (const grain of kind.grains) {
        const request = { ...requestOf(kind, { grain }), locale };
        const columns = outColumns(kind, request);
        expect(columns.map(({ key }) => key)).toEqual(request.columns);
        expect(new Set(columns.map(({ header }) => header)).size).toBe(columns.length);
        for (const column of columns) expect(column.width).toBeGreaterThan(column.header.length);
      }
    }
  });

  it('folds rows the same wherever chunks are cut', () => {
    fc.assert(
      fc.property(daysOfRows(kind.dataset), fc.array(fc.nat(), { maxLength: 4 }), (days, cuts) => {
        for (const spec of specsOf(kind)) {
          const fold = createFold(spec, DAYS[1]);
          for (const chunk of chunksOf(dataset, days[1], cuts)) fold.add(chunk, null);
          expect(fold.totals()).toEqual(foldDay(spec, kind, days[1], DAYS[1]));
        }
      }),
      { numRuns: 25 },
    );
  });

  it('gives the totals of all rows by merging those of parts, in any grouping of the parts', () => {
    fc.assert(
      fc.property(daysOfRows(kind.dataset), (days) => {
        const request = requestOf(kind);
        const byWindow = new Set(['day', 'hour', 'hour_start']);
        for (const spec of specsOf(kind).filter(({ by }) => !by.some((key) => byWindow.has(key)))) {
          const [a, b, c] = days.map((rows, index) => foldDay(spec, kind, rows, DAYS[index]));
          const merged = mergeTotals(spec, [a, b, c]);
          expect(merged).toEqual(foldDay(spec, kind, days.flat()));
          expect(mergeTotals(spec, [mergeTotals(spec, [a, b]), c])).toEqual(merged);
          expect(mergeTotals(spec, [a, mergeTotals(spec, [b, c])])).toEqual(merged);
          expect(mergeTotals(spec, [a, mergeTotals(spec, [])])).toEqual(mergeTotals(spec, [a]));
        }
        expect(mergeTotals(foldBy(request, []), [])).toEqual({ rows: 0, groups: [] });
      }),
      { numRuns: 25 },
    );
  });

  it('merges days in any order, but for first and last', () => {
    const ordered = kind.measures.flatMap((measure, index) =>
      ['first', 'last'].includes(mergeOf(measure)) ? [index] : [],
    );
    const unordered = (totals: DayTotals) =>
      totals.groups.map(({ key, values }) => ({
        key,
        values: values.filter((_value, index) => !ordered.includes(index)),
      }));
    fc.assert(
      fc.property(daysOfRows(kind.dataset), (days) => {
        for (const spec of specsOf(kind)) {
          const totals = days.map((rows, index) => foldDay(spec, kind, rows, DAYS[index]));
          const back = mergeTotals(spec, [...totals].reverse());
          expect(unordered(back)).toEqual(unordered(mergeTotals(spec, totals)));
        }
      }),
      { numRuns: 15 },
    );
  });

  it('survives JSON, in which totals are kept', () => {
    fc.assert(
      fc.property(daysOfRows(kind.dataset), ([rows]) => {
        for (const spec of specsOf(kind)) {
          const totals = foldDay(spec, kind, rows);
          expect(JSON.parse(JSON.stringify(totals))).toEqual(totals);
        }
      }),
      { numRuns: 10 },
    );
  });

  it('gives every column it has, of the type it declares, a line per row or group', () => {
    fc.assert(
      fc.property(daysOfRows(kind.dataset), ([rows]) => {
        for (const grain of kind.grains) {
          const columns = columnsAt(kind, grain).map(({ key }) => key);
          const request = requestOf(kind, { grain, columns });
          const out = outColumns(kind, request);
          const chunk = chunkOf(dataset, rows);
          const totals = foldDay(detailFold(kind, request), kind, rows);
          const at = { date: grain === 'period' ? null : DAYS[0].date, zone: DAYS[0].zone };
          const lines =
            kind.shape === 'rows'
              ? projectRows(kind, chunk, out, DAYS[0])
              : projectGroups(kind, totals, out, at);
          expect(lines.rows).toBe(kind.shape === 'rows' ? rows.length : totals.groups.length);
          expect([...lines.columns.keys()]).toEqual(columns);
          for (const { key, type } of out) {
            const column = lines.columns.get(key);
            expect(column?.type).toBe(type === 'date' ? 'text' : type);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  if (kind.shape === 'rows') {
    it('sums each column that says so to what its totals say', () => {
      fc.assert(
        fc.property(daysOfRows(kind.dataset), ([rows]) => {
          const integers = columnsAt(kind, 'row').filter(
            ({ merge, type }) => merge === 'sum' && type === 'integer',
          );
          const request = requestOf(kind, {
            columns: columnsAt(kind, 'row').map(({ key }) => key),
          });
          const chunk = projectRows(
            kind,
            chunkOf(dataset, rows),
            outColumns(kind, request),
            DAYS[0],
          );
          const [group] = foldDay(foldBy(request, []), kind, rows).groups;
          for (const { key } of rows.length === 0 ? [] : integers) {
            const column = chunk.columns.get(key)!;
            const cells = rows.map((_row, index) => Number(cellAt(column, index) ?? 0));
            const measure = kind.measures.findIndex((candidate) => candidate.key === key);
            expect(group.values[measure]).toBe(cells.reduce((sum, cell) => sum + cell, 0));
          }
        }),
        { numRuns: 20 },
      );
    });
  }
});
