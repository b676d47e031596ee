import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybookDone, type RunningUp, startUp } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';
import {
  addRealTenants,
  BANK,
  BANK_MONTHS,
  docsMap,
  loadRealFiles,
  SHOP,
} from '../support/real-figures.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { expectSameLines, type Line, linesOfCsv, type Shape, sumOf } from '../support/tables.ts';
import { libreOffice, python } from './support/programs.ts';

/** Workbooks and CSV of the real files, read by openpyxl, LibreOffice and Python's csv. */

const SHAPES = {
  calls: {
    external_id: 'text',
    started_at: 'instant',
    queued_at: 'instant',
    answered_at: 'instant',
    ended_at: 'instant',
    caller: 'text',
    queue: 'text',
    agent: 'text',
    disposition: 'text',
    wait_seconds: 'number',
    talk_seconds: 'number',
    duration_seconds: 'number',
  },
  sales: {
    order_id: 'text',
    line_no: 'number',
    ordered_at: 'instant',
    sku: 'text',
    description: 'text',
    quantity: 'number',
    unit_price: 'number',
    net: 'number',
  },
} as const satisfies Record<string, Shape>;
const REPORTS = ['calls', 'sales'] as const;
type Report = (typeof REPORTS)[number];
const REFERENCES = ['always', 'never'] as const;
const LONG_MS = 5 * 60_000;

let test: TestDatabase;
let environment: Record<string, string>;
let up: RunningUp;

beforeAll(async () => {
  if (!hasSharedData) return;
  test = await freshDatabase();
  environment = {
    DATABASE_URL: test.url,
    DAYBOOK_HOME: freshHome(),
    DAYBOOK_SECRET: 'a secret of forty characters, for tests.',
    LOG_LEVEL: 'error',
  };
  await addRealTenants(environment);
  await loadRealFiles(environment);
  up = await startUp(environment, ['--no-demo']);
  for (const report of REPORTS) {
    await exportTo(report, fileOf(report, 'csv'));
    for (const refs of REFERENCES) {
      await exportTo(report, fileOf(report, `${refs}.xlsx`), '--cell-refs', refs);
    }
  }
}, LONG_MS);
afterAll(async () => {
  await up?.stop();
  await test?.drop();
});

function fileOf(report: Report, ending: string): string {
  return join(environment.DAYBOOK_HOME, `${report}.${ending}`);
}

async function exportTo(report: Report, out: string, ...flags: string[]): Promise<void> {
  const { tenant, period } = report === 'sales' ? SHOP : BANK;
  await daybookDone(
    environment,
    ...['export', report, '--tenant', tenant, '--from', period.from, '--to', period.to],
    ...['--headers', 'keys', '--columns', Object.keys(SHAPES[report]).join()],
    ...['--out', out, ...flags],
  );
}

/** What the CSV holds, without the apostrophe before texts that a spreadsheet would run. */
function expectedLines(report: Report): Line[] {
  const lines = linesOfCsv(readFileSync(fileOf(report, 'csv'), 'utf8'), SHAPES[report]);
  return lines.map((line) => line.map((cell) => cell.replace(/^'(?=[=+\-@])/, '')));
}

function expectFigures(report: Report, lines: readonly Line[]): void {
  const column = (key: string) => {
    const index = Object.keys(SHAPES[report]).indexOf(key);
    return (line: Line) => line[index];
  };
  if (report === 'sales') {
    expect([lines.length, sumOf(lines.map(column('net')))]).toEqual([SHOP.rows, SHOP.net]);
    return;
  }
  for (const { month, figures } of BANK_MONTHS) {
    const ofMonth = lines.filter((line) => column('started_at')(line).startsWith(month));
    const answered = ofMonth.filter((line) => column('disposition')(line) === 'answered');
    expect({
      rows: ofMonth.length,
      answered: answered.length,
      talk: sumOf(answered.map(column('talk_seconds'))),
      wait: sumOf(ofMonth.map(column('wait_seconds'))),
      duration: sumOf(ofMonth.map(column('duration_seconds'))),
    }).toEqual({
      rows: figures.rows,
      answered: figures.answered,
      talk: String(figures.talkOfAnswered),
      wait: String(figures.wait),
      duration: String(figures.duration),
    });
  }
}

/** The Detail sheet: cells in plain form, how many are formulas, and what else stands there. */
const READ_DETAIL = `
import sys, json, warnings, datetime, openpyxl
warnings.simplefilter('ignore')
book = openpyxl.load_workbook(sys.argv[1], read_only=True)
formulas = 0
lines = []
def plain(v):
    if v is None: return ''
    if isinstance(v, datetime.datetime):
        assert v.microsecond == 0, v
        return v.strftime('%Y-%m-%d %H:%M:%S')
    if isinstance(v, float) and v.is_integer(): return str(int(v))
    return v if isinstance(v, str) else repr(v)
for row in book['Detail'].iter_rows():
    formulas += sum(1 for c in row if c.data_type == 'f')
    lines.append([plain(c.value) for c in row])
print(json.dumps({'sheets': book.sheetnames, 'formulas': formulas, 'header': lines[0], 'lines': lines[1:]}))`;

interface ReadDetail {
  sheets: string[];
  formulas: number;
  header: string[];
  lines: string[][];
}

/** A sheet as CSV, cells as they are shown: ISO dates to the second, grouped thousands. */
const shownCsv = (sheet: number) =>
  `csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,${sheet}`;

describe.skipIf(!hasSharedData)('workbooks of real files', () => {
  for (const report of REPORTS) {
    for (const refs of REFERENCES) {
      const title = `of ${report}, references ${refs}`;
      it(
        `${title}: openpyxl reads every cell and second, no formula, and the known sums`,
        async () => {
          const file = fileOf(report, `${refs}.xlsx`);
          const read = await python<ReadDetail>(READ_DETAIL, file);
          expect(read.sheets).toEqual(['Summary', 'Detail', 'Control totals']);
          expect(read.formulas).toBe(0);
          expect(read.header).toEqual(Object.keys(SHAPES[report]));
          // It leaves the empty cells out at the end of a row without references.
          const width = read.header.length;
          const lines = read.lines.map((line) => [...line, ...Array(width - line.length).fill('')]);
          expectSameLines(lines, expectedLines(report));
          expectFigures(report, lines);
        },
        LONG_MS,
      );

      it(
        `${title}: LibreOffice shows every cell and second, and the Summary the known totals`,
        async () => {
          const file = fileOf(report, `${refs}.xlsx`);
          const [header, ...shown] = parse(await libreOffice(file, shownCsv(2))) as string[][];
          expect(header).toEqual(Object.keys(SHAPES[report]));
          const types = Object.values(SHAPES[report]);
          const lines = shown.map((line) =>
            line.map((cell, i) =>
              types[i] === 'number' && cell !== ''
                ? String(Number(cell.replaceAll(',', '')))
                : cell,
            ),
          );
          expectSameLines(lines, expectedLines(report));
          expectFigures(report, lines);

          const summary = parse(await libreOffice(file, shownCsv(1)), {
            relax_column_count: true,
          }) as string[][];
          const at = summary.findIndex(([label]) => label === 'Totals');
          const totals = new Map(
            summary[at + 1].map((label, i) => [label, summary[at + 2][i].replaceAll(',', '')]),
          );
          if (report === 'sales') expect(Number(totals.get('net'))).toBe(Number(SHOP.net));
          else {
            const [january, october] = BANK_MONTHS;
            expect(Number(totals.get('calls'))).toBe(january.figures.rows + october.figures.rows);
          }
        },
        LONG_MS,
      );
    }

    it(`the CSV of ${report} adds up in Python's own reader and exact decimals`, async () => {
      const [key, at] = report === 'sales' ? ['net', 'ordered_at'] : ['wait_seconds', 'started_at'];
      const read = await python<{ rows: number; months: Record<string, string> }>(
        `
import sys, json, csv, decimal, collections
months = collections.defaultdict(decimal.Decimal)
rows = 0
with open(sys.argv[1], encoding='utf-8', newline='') as file:
    for row in csv.DictReader(file, strict=True):
        rows += 1
        months[row['${at}'][:7]] += decimal.Decimal(row['${key}'] or '0')
print(json.dumps({'rows': rows, 'months': {m: format(s.normalize(), 'f') for m, s in months.items()}}))`,
        fileOf(report, 'csv'),
      );
      expect(read).toEqual(
        report === 'sales'
          ? { rows: SHOP.rows, months: SHOP.netByMonth }
          : {
              rows: BANK_MONTHS[0].figures.rows + BANK_MONTHS[1].figures.rows,
              months: Object.fromEntries(
                BANK_MONTHS.map(({ month, figures }) => [month, String(figures.wait)]),
              ),
            },
      );
    });
  }

  it.each([
    ['asterisk', 'asterisk-master.csv', 'asterisk-cdr', '2024', 84],
    ['freeswitch', 'freeswitch-cdr.csv', 'freeswitch-cdr', '2020', 10],
  ] as const)(
    'a call log of %s ends as a workbook with each of its legs',
    async (tenant, file, map, year, rows) => {
      await daybookDone(environment, 'tenant', 'add', tenant, '--zone', 'UTC');
      await daybookDone(
        environment,
        ...['load', 'calls', sharedData(`cdr/${file}`), '--tenant', tenant, '--map', docsMap(map)],
      );
      const out = join(environment.DAYBOOK_HOME, `${tenant}.xlsx`);
      await daybookDone(
        environment,
        ...['export', 'calls', '--tenant', tenant, '--headers', 'keys', '--out', out],
        ...['--from', `${year}-01-01`, '--to', `${year}-12-31`],
      );
      const { lines, formulas, header } = await python<ReadDetail>(READ_DETAIL, out);
      expect({ rows: lines.length, formulas }).toEqual({ rows, formulas: 0 });
      const ids = lines.map((line) => line[header.indexOf('external_id')]);
      expect(new Set(ids).size).toBe(rows);
    },
  );
});
