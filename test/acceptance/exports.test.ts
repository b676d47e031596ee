import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unzip } from '../render/support/read-xlsx.ts';
import type { TestDatabase } from '../support/database.ts';
import { daybookDone, type RunningUp, startUp } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';
import { BANK, BANK_MONTHS, type CallFigures, SHOP } from '../support/real-figures.ts';
import { loadMonth, type RealLoads, realDatabase } from '../support/real-loads.ts';
import { hasSharedData } from '../support/shared-data.ts';
import {
  expectSameLines,
  type Line,
  linesOfCsv,
  linesOfExcelJs,
  linesOfNdjson,
  linesOfSheet,
  type Shape,
  sheetsOfSheetJs,
  sumOf,
} from '../support/tables.ts';
import { isThorough } from '../support/thorough.ts';

/** Real files in by command, files out by command, read back by programs that are not ours. */

const SHAPES = {
  calls: {
    external_id: 'text',
    started_at: 'instant',
    answered_at: 'instant',
    ended_at: 'instant',
    queue: 'text',
    agent: 'text',
    disposition: 'text',
    wait_seconds: 'number',
    talk_seconds: 'number',
    duration_seconds: 'number',
  },
  queues: {
    date: 'date',
    queue: 'text',
    calls: 'number',
    answered: 'number',
    abandoned: 'number',
    ignored: 'number',
    wait_seconds: 'number',
    talk_seconds: 'number',
  },
  sales: { line_no: 'number', ordered_at: 'instant', net: 'number' },
  'sales-daily': { date: 'date', currency: 'text', lines: 'number', net: 'number' },
} as const satisfies Record<string, Shape>;
type Report = keyof typeof SHAPES;
const REPORTS = Object.keys(SHAPES) as Report[];

/** Every format, workbooks both with cell references and without. */
const FORMS = {
  csv: ['csv'],
  'csv.gz': ['csv.gz'],
  zip: ['zip'],
  ndjson: ['ndjson'],
  'refs.xlsx': ['xlsx', '--cell-refs', 'always'],
  'bare.xlsx': ['xlsx', '--cell-refs', 'never'],
} as const;
type Form = keyof typeof FORMS;
const BARE = ['bare.xlsx'] as const;

/** Workbooks of the large reports take a minute to read; two programs do so in `interop`. */
function formsOf(report: Report): Form[] {
  const all = Object.keys(FORMS) as Form[];
  return isThorough || !isLarge(report) ? all : all.filter((form) => !form.endsWith('.xlsx'));
}

function isLarge(report: Report): boolean {
  return report === 'calls' || report === 'sales';
}

let test: TestDatabase & { readonly loads: RealLoads };
let environment: Record<string, string>;
let up: RunningUp;
let made: Record<Report, Promise<unknown>>;

beforeAll(async () => {
  if (!hasSharedData) return;
  test = await realDatabase();
  environment = {
    DATABASE_URL: test.url,
    DAYBOOK_HOME: freshHome(),
    DAYBOOK_SECRET: 'a secret of forty characters, for tests.',
    LOG_LEVEL: 'error',
  };
  up = await startUp(environment, ['--no-demo']);
  // They go on while the first of them are read.
  made = exportAll();
});
afterAll(async () => {
  await up?.stop();
  await test?.drop();
});

function fileOf(report: Report, form: Form): string {
  return join(environment.DAYBOOK_HOME, `${report}.${form}`);
}

async function exportForm(report: Report, form: Form): Promise<void> {
  const { tenant, period } = report.startsWith('sales') ? SHOP : BANK;
  const args = ['export', report, '--tenant', tenant, '--from', period.from, '--to', period.to];
  args.push('--columns', Object.keys(SHAPES[report]).join(), '--headers', 'keys');
  if (report === 'queues') args.push('--grain', 'day');
  args.push('--format', ...FORMS[form], '--out', fileOf(report, form));
  await daybookDone(environment, ...args);
}

/** Every report in every form, one report after the other, its forms side by side. */
function exportAll(): Record<Report, Promise<unknown>> {
  let last: Promise<unknown> = Promise.resolve();
  const made = REPORTS.map((report) => {
    last = last.then(() => Promise.all(formsOf(report).map((form) => exportForm(report, form))));
    last.catch(() => {});
    return [report, last];
  });
  return Object.fromEntries(made);
}

function csvOf(report: Report): Line[] {
  return linesOfCsv(readFileSync(fileOf(report, 'csv'), 'utf8'), SHAPES[report]);
}

function columnOf<R extends Report>(
  report: R,
  key: keyof (typeof SHAPES)[R],
): (line: Line) => string {
  const index = Object.keys(SHAPES[report]).indexOf(String(key));
  return (line) => line[index];
}

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function callFiguresOf(lines: readonly Line[]): CallFigures {
  const [id, started, answeredAt, disposition, wait, talk, duration] = (
    [
      'external_id',
      'started_at',
      'answered_at',
      'disposition',
      'wait_seconds',
      'talk_seconds',
      'duration_seconds',
    ] as const
  ).map((key) => columnOf('calls', key));
  const with_ = (value: string) => lines.filter((line) => disposition(line) === value);
  const days = new Map<string, number>();
  for (const line of lines) {
    const date = started(line).slice(0, 10);
    days.set(date, (days.get(date) ?? 0) + 1);
  }
  const longest = lines.reduce((a, b) => (Number(duration(b)) > Number(duration(a)) ? b : a));
  return {
    rows: lines.length,
    answered: with_('answered').length,
    abandoned: with_('abandoned').length,
    ignored: with_('ignored').length,
    talkOfAnswered: Number(sumOf(with_('answered').map(talk))),
    wait: Number(sumOf(lines.map(wait))),
    withAnsweredAt: lines.filter((line) => answeredAt(line) !== '').length,
    duration: Number(sumOf(lines.map(duration))),
    longest: [id(longest), Number(duration(longest))],
    daysWithCalls: days.size,
    busiest: [...days].reduce((a, b) => (b[1] > a[1] ? b : a)),
  };
}

describe.skipIf(!hasSharedData)('real files through the command', () => {
  it('load with the published counts, and the two short rows are rejects that bear their ids', async () => {
    for (const [i, loaded] of [test.loads.january, test.loads.october].entries()) {
      const { figures, rejected } = BANK_MONTHS[i];
      expect(loaded).toMatchObject({
        loaded: figures.rows,
        updated: 0,
        unchanged: 0,
        rejected,
        days: figures.daysWithCalls,
      });
    }
    expect(test.loads.sales).toMatchObject({ loaded: SHOP.rows, rejected: 0 });
    const listed = JSON.parse(
      await daybookDone(environment, 'rejects', 'list', '--tenant', BANK.tenant, '--json'),
    ) as { reason: string; raw: { line: string } }[];
    expect(listed.map(({ reason }) => reason)).toEqual(
      Array(2).fill('the row has 16 fields; expected 17'),
    );
    expect(listed.map(({ raw }) => raw.line.split('\t')[1].trim()).sort()).toEqual([
      '10486',
      '3892',
    ]);
  });

  for (const report of REPORTS) {
    describe(`${report} in every format`, () => {
      let lines: Line[];
      beforeAll(async () => {
        await made[report];
        lines = csvOf(report);
      });

      it('adds up to the published figures', () => {
        if (report === 'calls') {
          for (const { month, figures } of BANK_MONTHS) {
            const started = columnOf('calls', 'started_at');
            const ofMonth = lines.filter((line) => started(line).startsWith(month));
            expect(callFiguresOf(ofMonth)).toEqual(figures);
          }
          expect(lines.length).toBe(BANK_MONTHS[0].figures.rows + BANK_MONTHS[1].figures.rows);
        } else if (report === 'queues') {
          for (const { month, figures } of BANK_MONTHS) {
            const ofMonth = lines.filter((line) => line[0].startsWith(month));
            const sum = (key: keyof typeof SHAPES.queues) =>
              Number(sumOf(ofMonth.map(columnOf('queues', key))));
            expect([sum('calls'), sum('answered'), sum('abandoned'), sum('ignored')]).toEqual([
              figures.rows,
              figures.answered,
              figures.abandoned,
              figures.ignored,
            ]);
            expect([sum('talk_seconds'), sum('wait_seconds')]).toEqual([
              figures.talkOfAnswered,
              figures.wait,
            ]);
            expect(new Set(ofMonth.map(([date]) => date)).size).toBe(figures.daysWithCalls);
          }
        } else {
          const [at, net] =
            report === 'sales'
              ? [columnOf('sales', 'ordered_at'), columnOf('sales', 'net')]
              : [columnOf('sales-daily', 'date'), columnOf('sales-daily', 'net')];
          expect(sumOf(lines.map(net))).toBe(SHOP.net);
          const months = Object.keys(SHOP.netByMonth).map((month) => [
            month,
            sumOf(lines.filter((line) => at(line).startsWith(month)).map(net)),
          ]);
          expect(Object.fromEntries(months)).toEqual(SHOP.netByMonth);
          const rows =
            report === 'sales'
              ? String(lines.length)
              : sumOf(lines.map(columnOf('sales-daily', 'lines')));
          expect(rows).toBe(String(SHOP.rows));
        }
      });

      it('holds the same bytes inflated, in .csv.gz and in the .zip beside its manifest', async () => {
        const csv = readFileSync(fileOf(report, 'csv'));
        expect(gunzipSync(readFileSync(fileOf(report, 'csv.gz'))).equals(csv)).toBe(true);
        const entries = await unzip(readFileSync(fileOf(report, 'zip')));
        expect(entries.size).toBe(2);
        const [name] = [...entries.keys()].filter((each) => each.endsWith('.csv'));
        expect(entries.get(name)?.equals(csv)).toBe(true);
      });

      it('holds the same lines in .ndjson', () => {
        const text = readFileSync(fileOf(report, 'ndjson'), 'utf8');
        expectSameLines(linesOfNdjson(text, SHAPES[report]), lines);
      });

      if (!formsOf(report).includes('bare.xlsx')) return;

      it('holds the same lines in .xlsx with references, as ExcelJS reads it', async () => {
        const read = await linesOfExcelJs(fileOf(report, 'refs.xlsx'), SHAPES[report]);
        expectSameLines(read, lines);
      });

      // The largest one with references is read by ExcelJS, and by two programs in `interop`.
      it.each(report === 'sales' ? BARE : [...BARE, 'refs.xlsx' as const])(
        'holds the same lines in %s as SheetJS reads it, and a Summary and Control totals that say so',
        (form) => {
          const sheets = sheetsOfSheetJs(fileOf(report, form));
          expect(Object.keys(sheets)).toEqual(['Summary', 'Detail', 'Control totals']);
          expectSameLines(linesOfSheet(sheets.Detail, SHAPES[report]), lines);

          const control = sheets['Control totals'];
          expect(control.find(([label]) => label === 'Check')).toEqual(['Check', 'OK']);
          const totals = totalsOf(sheets.Summary);
          const sumRow = control.find(([label]) => label === 'Sum')!;
          const sum = (label: string) =>
            sumRow[control.find((row) => row.includes('hours'))!.indexOf(label)];
          if (report.startsWith('sales')) {
            expect(totals).toMatchObject({ currency: 'GBP', lines: SHOP.rows, net: 4_397_950.761 });
            expect(sum('net')).toBe(4_397_950.761);
          } else {
            const of = (key: 'rows' | 'answered' | 'abandoned' | 'ignored' | 'wait') =>
              BANK_MONTHS[0].figures[key] + BANK_MONTHS[1].figures[key];
            expect(totals).toMatchObject({
              calls: of('rows'),
              answered: of('answered'),
              abandoned: of('abandoned'),
              ignored: of('ignored'),
            });
            expect([sum('calls'), sum('answered')]).toEqual([of('rows'), of('answered')]);
          }
        },
      );
    });
  }

  it('write the source’s own texts and wall clocks: each line of a month beside its line in the file', async () => {
    const out = join(environment.DAYBOOK_HOME, 'texts.csv');
    const keys = ['line_no', 'order_id', 'ordered_at', 'sku', 'description', 'customer', 'region'];
    await daybookDone(
      environment,
      ...['export', 'sales', '--tenant', SHOP.tenant, '--headers', 'keys', '--out', out],
      ...['--from', '2010-12-01', '--to', '2010-12-31', '--columns', keys.join()],
    );
    const source = parse(gunzipSync(readFileSync(SHOP.file)), { to: 50_000 }) as string[][];
    const [, ...lines] = parse(readFileSync(out)) as string[][];
    const expected = lines.map(([number]) => {
      const [invoice, sku, description, , at, , customer, country] = source[Number(number)];
      // A cell that a spreadsheet would run is shown with an apostrophe before it.
      const shown = (text: string) => (/^[=+\-@]/.test(text) ? `'${text}` : text);
      return [number, invoice, at, shown(sku), shown(description), customer, country];
    });
    expectSameLines(lines, expected);
    const december = source.filter((row) => row[4].startsWith('2010-12'));
    expect(new Set(lines.map(([number]) => number)).size).toBe(december.length);
  });

  // All three files twice: test/ingest/shared-data.test.ts.
  it('loaded again change nothing: no count, no byte of an export', async () => {
    const forms = formsOf('queues');
    const before = forms.map((form) => sha256Of(fileOf('queues', form)));
    const { figures, rejected } = BANK_MONTHS[1];
    expect(await loadMonth(environment, BANK_MONTHS[1])).toMatchObject({
      loaded: 0,
      updated: 0,
      unchanged: figures.rows,
      rejected,
    });
    await Promise.all(forms.map((form) => exportForm('queues', form)));
    expect(forms.map((form) => sha256Of(fileOf('queues', form)))).toEqual(before);
  });
});

/** The line of overall totals of a Summary sheet, by the header above it. */
function totalsOf(summary: (string | number | null | undefined)[][]) {
  const at = summary.findIndex(([label]) => label === 'Totals');
  const [header, values] = summary.slice(at + 1);
  return Object.fromEntries(header.map((label, i) => [label, values[i]]).slice(1));
}
