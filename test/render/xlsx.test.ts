import ExcelJS from 'exceljs';
import { describe, expect, test } from 'vitest';
import type { CellValue } from '../../src/reports/chunk.ts';
import { localTextOf } from '../../src/time/local-time.ts';
import { PAYLOADS } from './support/payloads.ts';
import { parseXml, sheetRows, unzip, wallOfSerial } from './support/read-xlsx.ts';
import { column, fileOf } from './support/sample.ts';

const COLUMNS = [
  column('id', 'text', { header: 'Call' }),
  column('at', 'instant'),
  column('day', 'date'),
  column('n', 'integer', { unit: 'count' }),
  column('amount', 'decimal', { minScale: 2, unit: 'money' }),
  column('share', 'decimal', { unit: 'ratio' }),
];
const ROWS: CellValue[][] = [
  ['+4930', Date.UTC(2026, 9, 25, 0, 30), '2026-10-25', -3, '-12.5', '0.25'],
  [null, null, null, null, null, null],
  [
    '=1+1',
    Date.UTC(2026, 9, 25, 1, 30),
    '2026-10-25',
    999_999_999_999_999,
    '123456789012.345',
    '1',
  ],
];
const SERIAL_DAY = 46_320;

describe.each([{ cellRefs: false }, { cellRefs: true }])(
  'a workbook, references: $cellRefs',
  ({ cellRefs }) => {
    test('holds typed cells that SheetJS reads back, empty ones in their place', async () => {
      const file = await fileOf({
        columns: COLUMNS,
        batches: [ROWS.slice(0, 1), ROWS.slice(1)],
        format: 'xlsx',
        zone: 'Europe/Berlin',
        cellRefs,
      });
      const rows = sheetRows(file, 'Detail');
      expect(rows[0]).toEqual(['Call', 'at', 'day', 'n', 'amount', 'share']);
      expect(rows.slice(1).map((row) => row.toSpliced(1, 1))).toEqual([
        ['+4930', SERIAL_DAY, -3, -12.5, 0.25],
        [null, null, null, null, null],
        ['=1+1', SERIAL_DAY, 999_999_999_999_999, 123456789012.345, 1],
      ]);
      expect([rows[1][1], rows[3][1]].map((serial) => wallOfSerial(Number(serial)))).toEqual([
        '2026-10-25 02:30:00.000',
        '2026-10-25 02:30:00.000',
      ]);
    });

    test('is well-formed in every entry and names its sheets the same in every language', async () => {
      for (const locale of ['en', 'pt-BR', 'es'] as const) {
        const file = await fileOf({
          columns: COLUMNS,
          batches: [ROWS],
          format: 'xlsx',
          cellRefs,
          locale,
        });
        const entries = await unzip(file);
        for (const [name, bytes] of entries) {
          expect(name).toMatch(/\.(xml|rels)$/);
          parseXml(bytes.toString('utf8'));
        }
        const names = [
          ...entries
            .get('xl/workbook.xml')!
            .toString()
            .matchAll(/<sheet [^>]*name="([^"]*)"/g),
        ];
        expect(names.map(([, name]) => name)).toEqual(['Summary', 'Detail', 'Control totals']);
      }
    });

    test('without rows is a workbook with a header', async () => {
      const file = await fileOf({ columns: COLUMNS, batches: [], format: 'xlsx', cellRefs });
      expect(sheetRows(file, 'Detail')).toEqual([['Call', 'at', 'day', 'n', 'amount', 'share']]);
    });

    test('no text becomes a formula', async () => {
      const file = await fileOf({
        columns: [column('t', 'text')],
        batches: [PAYLOADS.map((payload) => [payload])],
        format: 'xlsx',
        cellRefs,
      });
      const sheets = [...(await unzip(file))].filter(([name]) => name.startsWith('xl/worksheets/'));
      expect(sheets.filter(([, xml]) => /<f[ >]/.test(xml.toString()))).toEqual([]);
      expect(sheets).toHaveLength(3);
    });

    test('says its dimension only with references, and the same input gives the same bytes', async () => {
      const sample = { columns: COLUMNS, batches: [ROWS, ROWS], format: 'xlsx', cellRefs } as const;
      const [first, second] = [await fileOf(sample), await fileOf(sample)];
      expect(first.equals(second)).toBe(true);
      const sheet = (await unzip(first)).get('xl/worksheets/sheet2.xml')!.toString();
      expect(/<dimension[^>]*>/.exec(sheet)?.[0]).toBe(
        cellRefs ? '<dimension ref="A1:F7"/>' : undefined,
      );
      expect(sheet).toContain('<autoFilter ref="A1:F7"/>');
    });
  },
);

describe('numbers and dates of a workbook', () => {
  test('every second of a day reads back exact, also where a reader cuts off milliseconds', async () => {
    const start = Date.UTC(2026, 2, 10);
    const rows = Array.from({ length: 86_400 }, (_, second) => [
      start + second * 1000 + (second % 1000),
    ]);
    const file = await fileOf({
      columns: [column('at', 'instant')],
      batches: [rows.slice(0, 65_536), rows.slice(65_536)],
      format: 'xlsx',
    });
    const wrong = sheetRows(file, 'Detail')
      .slice(1)
      .filter(([serial], second) => {
        const wall = wallOfSerial(Number(serial));
        return (
          wall !== new Date(start + second * 1000).toISOString().slice(0, -1).replace('T', ' ')
        );
      });
    expect(wrong).toEqual([]);
  });

  test('1,000 instants in each of 40 zones are wall time, in CSV and workbook alike', async () => {
    const named = ['America/Sao_Paulo', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia'];
    const all = Intl.supportedValuesOf('timeZone');
    const sampled = Array.from({ length: 36 }, (_, i) => all[Math.floor((i * all.length) / 36)]);
    const instants = Array.from(
      { length: 1_000 },
      (_, i) => Date.UTC(1970, 0, 1) + i * 21_600_007 * 97,
    );
    const columns = [column('at', 'instant')];
    const batches = [instants.map((instant) => [instant])];
    for (const zone of [...named, ...sampled]) {
      const csv = (await fileOf({ columns, batches, format: 'csv', zone })).toString();
      const xlsx = sheetRows(await fileOf({ columns, batches, format: 'xlsx', zone }), 'Detail');
      const expected = instants.map((instant) => localTextOf(zone, instant));
      expect(csv.trimEnd().split('\r\n').slice(1)).toEqual(expected);
      const walls = xlsx.slice(1).map(([serial]) => wallOfSerial(Number(serial)).slice(0, 19));
      expect(walls).toEqual(expected);
    }
  });

  test('what a double cannot hold stays text, what is no number is empty', async () => {
    const file = await fileOf({
      columns: [column('n', 'integer'), column('d', 'decimal', { minScale: 2 })],
      batches: [
        [
          [1e15, '1234567890123456'],
          [-1e15, '0.1234567890123456'],
          [999_999_999_999_999, '-1234567890123.45'],
          [Number.POSITIVE_INFINITY, '12300000000000000000'],
          [Number.NaN, '-0.00'],
          [-0, '+007.50'],
        ],
      ],
      format: 'xlsx',
    });
    expect(sheetRows(file, 'Detail').slice(1)).toEqual([
      ['1000000000000000', '1234567890123456.00'],
      ['-1000000000000000', '0.1234567890123456'],
      [999_999_999_999_999, -1234567890123.45],
      [null, 12300000000000000000],
      [null, -0],
      [0, 7.5],
    ]);
  });

  test('dates before 1900-03-01 and after 9999 stay text', async () => {
    const instants = ['1899-12-31', '1900-02-28', '1900-03-01', '9999-12-31'].map((date) =>
      Date.parse(date),
    );
    const file = await fileOf({
      columns: [column('at', 'instant'), column('day', 'date')],
      batches: [
        [
          [instants[0], '1899-12-31'],
          [instants[1], '1900-02-28'],
          [instants[2], '1900-03-01'],
          [instants[3], '9999-12-31'],
          [instants[3] + 86_400_000, 'some day'],
        ],
      ],
      format: 'xlsx',
    });
    expect(sheetRows(file, 'Detail').slice(1)).toEqual([
      ['1899-12-31 00:00:00', '1899-12-31'],
      ['1900-02-28 00:00:00', '1900-02-28'],
      [61, 61],
      [2_958_465, 2_958_465],
      ['+010000-01-01 00:00:00', 'some day'],
    ]);
  });
});

describe('the package', () => {
  test('ExcelJS reads a workbook with references: types, formats, frozen header, no clock', async () => {
    const file = await fileOf({
      columns: COLUMNS,
      batches: [ROWS],
      format: 'xlsx',
      cellRefs: true,
      zone: 'Europe/Berlin',
    });
    const workbook = new ExcelJS.Workbook();
    await workbook.xlsx.load(file.buffer as ArrayBuffer);
    const detail = workbook.getWorksheet('Detail')!;
    expect(detail.getRow(2).values).toEqual([
      undefined,
      '+4930',
      new Date(Date.UTC(2026, 9, 25, 2, 30)),
      new Date(Date.UTC(2026, 9, 25)),
      -3,
      -12.5,
      0.25,
    ]);
    expect([1, 2, 3, 4, 5, 6].map((c) => detail.getRow(2).getCell(c).numFmt)).toEqual([
      '@',
      'yyyy-mm-dd hh:mm:ss',
      'yyyy-mm-dd',
      '#,##0',
      '#,##0.00####',
      '0.0%',
    ]);
    expect(detail.views[0]).toMatchObject({ state: 'frozen', ySplit: 1 });
    expect(workbook.creator).toBe('Daybook');
    expect(workbook.created.getTime()).toBe(Date.UTC(2026, 9, 26, 1, 2, 3));
  });

  test('has bars by day whose extension points to nothing', async () => {
    const calls = column('calls', 'integer', { header: 'Calls' });
    const byDay = {
      columns: [column('day', 'date', { header: 'Day' }), calls],
      rows: [
        ['2026-10-25', 3],
        ['2026-10-26', 5],
      ],
    };
    const file = await fileOf({
      columns: COLUMNS,
      batches: [ROWS],
      format: 'xlsx',
      document: { byDay, totals: { columns: [calls], rows: [[8]] } },
    });
    const summary = (await unzip(file)).get('xl/worksheets/sheet1.xml')?.toString();
    expect(summary).toContain('<cfRule type="dataBar"');
    expect(summary).not.toMatch(/x14:id|extLst/);
  });

  test('Summary says tenant, period, zone, irregular days, data as of, revision, totals, days', async () => {
    const figures = [
      column('calls', 'integer', { header: 'Calls' }),
      column('net', 'decimal', { header: 'Net', minScale: 2 }),
    ];
    const file = await fileOf({
      columns: COLUMNS,
      batches: [ROWS],
      format: 'xlsx',
      zone: 'Europe/Berlin',
      document: {
        tenant: '=Tenant\u0001',
        irregularDays: [
          { date: '2026-10-25', zone: 'Europe/Berlin', hours: 25, startsAt: '00:00:00' },
        ],
        filters: ['queue = A'],
        params: [{ name: 'service_level_seconds', value: '20' }],
        totals: { columns: figures, rows: [[3, '12345678901234567.89']] },
        byDay: {
          columns: [column('day', 'date', { header: 'Day' }), ...figures],
          rows: [['2026-10-25', 3, '7.5']],
        },
        control: {
          columns: [column('start', 'instant', { header: 'From' })],
          rows: [[Date.UTC(2026, 9, 24, 22)]],
        },
      },
    });
    const rows = sheetRows(file, 'Summary').map((row) => row.filter((cell) => cell !== null));
    expect(rows.filter((row) => row.length > 0)).toEqual([
      ['Calls'],
      ['Tenant', '=Tenant\ufffd'],
      ['Period', '2026-10-25'],
      ['Time zone', 'Europe/Berlin'],
      ['Irregular days', '2026-10-25: 25 h'],
      ['Data as of', '2026-10-26 02:02:03 (Europe/Berlin)'],
      ['Revision', 1],
      ['Filters', 'queue = A'],
      ['Parameters', 'service_level_seconds = 20'],
      ['Detail rows', 3],
      ['Totals'],
      ['Calls', 'Net'],
      [3, '12345678901234567.89'],
      ['By day'],
      ['Day', 'Calls', 'Net'],
      [SERIAL_DAY, 3, 7.5],
    ]);
    expect(sheetRows(file, 'Control totals').at(-1)).toEqual([SERIAL_DAY]);
  });
});
