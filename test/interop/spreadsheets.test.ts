import { describe, expect, test } from 'vitest';
import type { CellValue } from '../../src/reports/chunk.ts';
import { neutralised } from '../../src/reports/render/formula-safety.ts';
import { localTextOf } from '../../src/time/local-time.ts';
import { PAYLOADS } from '../render/support/payloads.ts';
import { column, fileOf } from '../render/support/sample.ts';
import { flatRows } from './support/flat-sheet.ts';
import { libreOffice, python, withFile } from './support/programs.ts';

const ZONE = 'America/Sao_Paulo';
const COLUMNS = [
  column('id', 'text', { header: 'Call' }),
  column('at', 'instant'),
  column('day', 'date'),
  column('n', 'integer', { unit: 'count' }),
  column('amount', 'decimal', { minScale: 2, unit: 'money' }),
  column('none', 'text'),
];
const TEXTS = [
  '+4930 123',
  '00123',
  '12345678901234567890',
  '-12.50',
  '1e5',
  'TRUE',
  ' padded ',
  'a\nb',
  'Ünï😀',
  '_x0041_',
  '1/2',
];
const START = Date.UTC(2018, 10, 3, 1, 2, 3);
const ROWS: CellValue[][] = Array.from({ length: 2_000 }, (_, i) => [
  `${TEXTS[i % TEXTS.length]}`,
  START + i * 100_003,
  localTextOf(ZONE, START + i * 100_003).slice(0, 10),
  i * 7 - 500,
  `${i - 1000}.${String(i % 100).padStart(2, '0')}`,
  null,
]);
const WALLS = ROWS.map(([, at]) => localTextOf(ZONE, Number(at)));

const READ_WORKBOOK = `
import sys, json, warnings, datetime, openpyxl
warnings.simplefilter('ignore')
book = openpyxl.load_workbook(sys.argv[1])
sheet = book['Detail']
def plain(v):
    return v.strftime('%Y-%m-%d %H:%M:%S.%f') if isinstance(v, datetime.datetime) else v
print(json.dumps({
  'sheets': book.sheetnames,
  'rows': [[plain(c.value) for c in row] for row in sheet.iter_rows()],
  'types': sorted(set(c.data_type for row in sheet.iter_rows() for c in row)),
  'formats': [c.number_format for c in sheet[2]],
  'frozen': sheet.freeze_panes,
  'filter': sheet.auto_filter.ref,
}))`;

interface ReadWorkbook {
  sheets: string[];
  rows: (string | number | null)[][];
  types: string[];
  formats: string[];
  frozen: string;
  filter: string;
}

describe.each([{ cellRefs: false }, { cellRefs: true }])(
  'a workbook, references: $cellRefs',
  ({ cellRefs }) => {
    const sample = {
      columns: COLUMNS,
      batches: [ROWS.slice(0, 700), ROWS.slice(700)],
      format: 'xlsx',
      zone: ZONE,
      cellRefs,
    } as const;

    test('reads equal in openpyxl: values, dates to the second, types, formats', async () => {
      const read = await withFile('a.xlsx', await fileOf(sample), (path) =>
        python<ReadWorkbook>(READ_WORKBOOK, path),
      );
      expect(read.sheets).toEqual(['Summary', 'Detail', 'Control totals']);
      expect(read.rows[0]).toEqual(COLUMNS.map(({ header }) => header));
      expect(read.rows.slice(1)).toEqual(
        ROWS.map(([id, , day, n, amount], i) => [
          // openpyxl does not undo the escape that Excel undoes.
          id === '_x0041_' ? '_x005F_x0041_' : id,
          `${WALLS[i]}.000000`,
          `${day} 00:00:00.000000`,
          n,
          Number(amount),
          null,
        ]),
      );
      expect(read.formats).toEqual([
        '@',
        'yyyy-mm-dd hh:mm:ss',
        'yyyy-mm-dd',
        '#,##0',
        '#,##0.00####',
        'General',
      ]);
      expect([read.frozen, read.filter]).toEqual(['A2', 'A1:F2001']);
    });

    test('reads equal in LibreOffice: values, dates to the second, types', async () => {
      const fods = await withFile('a.xlsx', await fileOf(sample), (path) =>
        libreOffice(path, 'fods'),
      );
      const rows = flatRows(fods, 'Detail').slice(1);
      const read = rows.map((cells) =>
        cells.map(({ type, value }) => (type === 'float' ? Number(value) : value)),
      );
      expect(read).toEqual(
        ROWS.map(([id, , day, n, amount], i) => [
          id,
          WALLS[i].replace(' ', 'T'),
          day,
          n,
          Number(amount),
        ]),
      );
      expect([...new Set(rows.flat().map(({ type }) => type))].sort()).toEqual([
        'date',
        'float',
        'string',
      ]);
    });

    test('715 payloads are text and none is a formula, in openpyxl and LibreOffice', async () => {
      const file = await fileOf({
        columns: [column('t', 'text')],
        batches: [PAYLOADS.map((payload) => [payload])],
        format: 'xlsx',
        cellRefs,
      });
      const shown = PAYLOADS.map((payload) => payload.replaceAll('\0', '\ufffd'));
      await withFile('a.xlsx', file, async (path) => {
        const { rows, types } = await python<ReadWorkbook>(READ_WORKBOOK, path);
        // openpyxl calls a text that begins with = a formula, whatever the file says.
        expect(types.filter((type) => type !== 'f')).toEqual(['s']);
        expect(rows.slice(1).map(([text]) => text)).toEqual(shown);
        const cells = flatRows(await libreOffice(path, 'fods'), 'Detail')
          .slice(1)
          .flat();
        expect(cells.filter(({ formula }) => formula !== null)).toEqual([]);
        expect(new Set(cells.map(({ type }) => type))).toEqual(new Set(['string']));
      });
    });

    test('each of the 65,536 code units comes back from openpyxl, legal text identical', async () => {
      const units = Array.from({ length: 65_536 }, (_, unit) => `a${String.fromCharCode(unit)}b`);
      const file = await fileOf({
        columns: [column('t', 'text')],
        batches: [units.map((text) => [text])],
        format: 'xlsx',
        cellRefs,
      });
      const { rows } = await withFile('a.xlsx', file, (path) =>
        python<ReadWorkbook>(READ_WORKBOOK, path),
      );
      const legal = (text: string) =>
        text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd');
      expect(rows.slice(1)).toEqual(units.map((text) => [legal(text)]));
    });

    test('every second of a day is that second in openpyxl and LibreOffice', async () => {
      const midnight = Date.UTC(2026, 2, 10);
      const instants = Array.from({ length: 86_400 }, (_, second) => midnight + second * 1000);
      const file = await fileOf({
        columns: [column('at', 'instant')],
        batches: [instants.slice(0, 50_000), instants.slice(50_000)].map((part) =>
          part.map((at) => [at]),
        ),
        format: 'xlsx',
        cellRefs,
      });
      const expected = instants.map((at) => new Date(at).toISOString().slice(0, 19));
      await withFile('a.xlsx', file, async (path) => {
        const { rows } = await python<ReadWorkbook>(READ_WORKBOOK, path);
        expect(rows.slice(1).map(([at]) => String(at).replace(' ', 'T'))).toEqual(
          expected.map((at) => `${at}.000000`),
        );
        const shown = (await libreOffice(path, SHOWN_CSV))
          .toString()
          .trimEnd()
          .split('\n')
          .slice(1);
        expect(shown.map((at) => at.replace(' ', 'T'))).toEqual(expected);
      });
    });
  },
);

/** The second sheet as CSV, cells as they are shown. */
const SHOWN_CSV = 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,2';

const READ_CSV = `
import sys, json, csv
with open(sys.argv[1], encoding='utf-8-sig', newline='') as file:
    print(json.dumps(list(csv.reader(file, delimiter=sys.argv[2], strict=True))))`;

describe('CSV', () => {
  test.each([
    ['en', ','],
    ['pt-BR', ';'],
  ] as const)("in %s reads equal in Python's csv", async (locale, delimiter) => {
    const texts = PAYLOADS.concat(TEXTS, ['a,b;c', '"', '""', 'a\r\nb', '\r', '\n'])
      // Its reader knows no NUL.
      .filter((text) => !text.includes('\0'));
    const file = await fileOf({
      columns: [column('t', 'text'), column('d', 'decimal', { minScale: 2 })],
      batches: [texts.map((text) => [text, '-12.5'])],
      format: 'csv',
      locale,
    });
    const read = await withFile('a.csv', file, (path) =>
      python<string[][]>(READ_CSV, path, delimiter),
    );
    const amount = locale === 'en' ? '-12.50' : '-12,50';
    expect(read.slice(1)).toEqual(texts.map((text) => [neutralised(text), amount]));
  });

  test('in pt-BR opens in a Brazilian LibreOffice as numbers, dates and text', async () => {
    const file = await fileOf({
      columns: COLUMNS,
      batches: [ROWS],
      format: 'csv',
      locale: 'pt-BR',
      zone: ZONE,
    });
    const fods = await withFile('a.csv', file, (path) =>
      libreOffice(path, 'fods', IMPORT_CSV_BRAZIL),
    );
    const rows = flatRows(fods, 'a').slice(1);
    const read = rows.map((cells) =>
      cells.slice(1, 5).map(({ type, value }) => `${type} ${value}`),
    );
    expect(read).toEqual(
      ROWS.map(([, , day, n, amount], i) => [
        `date ${WALLS[i].replace(' ', 'T')}`,
        `date ${day}`,
        `float ${n}`,
        `float ${Number(amount)}`,
      ]),
    );
  });

  test('715 payloads open in LibreOffice without a formula, where bare ones run', async () => {
    const bare = 'n,t\r\n1,=1+1\r\n';
    const control = await withFile('a.csv', bare, (path) => libreOffice(path, 'fods', IMPORT_CSV));
    expect(flatRows(control, 'a')[1][1].formula).not.toBeNull();

    const file = await fileOf({
      columns: [
        column('n', 'decimal', { minScale: 2 }),
        column('phone', 'text'),
        column('t', 'text'),
      ],
      batches: [
        PAYLOADS.filter((text) => !text.includes('\0')).map((text) => [
          '-12.5',
          '+49 30 123',
          text,
        ]),
      ],
      format: 'csv',
    });
    const fods = await withFile('a.csv', file, (path) => libreOffice(path, 'fods', IMPORT_CSV));
    const rows = flatRows(fods, 'a').slice(1);
    expect(rows.flat().filter(({ formula }) => formula !== null)).toEqual([]);
    expect(new Set(rows.map(([n]) => `${n.type} ${n.value}`))).toEqual(new Set(['float -12.5']));
    expect(new Set(rows.map(([, phone]) => phone.value))).toEqual(new Set(['+49 30 123']));
  });
});

/** Semicolon, quote, UTF-8, Brazilian Portuguese, special numbers detected. */
const IMPORT_CSV_BRAZIL =
  '--infilter=Text - txt - csv (StarCalc):59,34,76,1,,1046,false,true,false,false,false,-1,true';

/** Comma, quote, UTF-8, and formulas evaluated: the most that a person can ask for. */
const IMPORT_CSV =
  '--infilter=Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1,true';
