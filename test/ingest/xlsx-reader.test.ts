import ExcelJS from 'exceljs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utils, write } from 'xlsx';
import { dateText, numberText, styleOf } from '../../src/ingest/xlsx-cell.ts';
import { openWorkbook } from '../../src/ingest/xlsx-reader.ts';
import { pieces } from './support/load.ts';

async function rowsOf(bytes: Buffer, sheet: string | null = null) {
  const reader = await openWorkbook(pieces(bytes), { name: 'b.xlsx', sheet, header: null });
  const rows: (string | null)[][] = [];
  try {
    let more = true;
    while (more) {
      more = await reader.next((row) => {
        rows.push(
          Array.from({ length: row.count }, (_, i) => (row.ends[i] < 0 ? null : row.text(i))),
        );
      });
    }
    return { columns: reader.columns, rows };
  } finally {
    await reader.close();
  }
}

async function bookOf(build: (book: ExcelJS.Workbook) => void): Promise<Buffer> {
  const book = new ExcelJS.Workbook();
  build(book);
  return Buffer.from(await book.xlsx.writeBuffer());
}

describe('rows of a workbook', () => {
  it('come as text: numbers plain, dates as wall time, codes with their zeros', async () => {
    const bytes = await bookOf((book) => {
      const sheet = book.addWorksheet('Calls');
      sheet.addRow(['id', 'when', 'day', 'clock', 'length', 'phone', 'price', 'code', 'ok', 'sum']);
      const row = sheet.addRow([
        'a&b <c>',
        new Date(Date.UTC(2024, 2, 10, 23, 30, 15)),
        new Date(Date.UTC(2024, 1, 29)),
        0.5,
        1.25,
        4930123456789,
        0.1 + 0.2,
        42,
        true,
        { formula: 'A1', result: 7 },
      ]);
      row.getCell(2).style = { numFmt: 'dd/mm/yyyy hh:mm:ss' };
      row.getCell(3).style = { numFmt: 'yyyy-mm-dd' };
      row.getCell(4).style = { numFmt: 'h:mm:ss' };
      row.getCell(5).style = { numFmt: '[h]:mm:ss' };
      row.getCell(8).style = { numFmt: '00000' };
      sheet.addRow([]);
      sheet.getCell('J5').value = 'last';
    });
    expect(await rowsOf(bytes)).toEqual({
      columns: ['id', 'when', 'day', 'clock', 'length', 'phone', 'price', 'code', 'ok', 'sum'],
      rows: [
        [
          'a&b <c>',
          '2024-03-10 23:30:15',
          '2024-02-29',
          '12:00:00',
          '30:00:00',
          '4930123456789',
          '0.3',
          '00042',
          'true',
          '7',
        ],
        [null, null, null, null, null, null, null, null, null, 'last'],
      ],
    });
  });

  it('are those of the sheet that is asked for, or the first one', async () => {
    const bytes = await bookOf((book) => {
      book.addWorksheet('One').addRows([['a'], ['1']]);
      book.addWorksheet('Two').addRows([['b'], ['2']]);
    });
    expect((await rowsOf(bytes)).columns).toEqual(['a']);
    expect((await rowsOf(bytes, 'Two')).rows).toEqual([['2']]);
    await expect(rowsOf(bytes, 'Three')).rejects.toThrow(/no sheet "Three"; it has "One", "Two"/);
  });

  it('of a cut or broken file are none, with a reason', async () => {
    const bytes = await bookOf((book) => {
      book.addWorksheet('One').addRows([['a'], ['1']]);
    });
    await expect(rowsOf(bytes.subarray(0, bytes.length - 30))).rejects.toMatchObject({
      code: 'E_INPUT',
      message: expect.stringMatching(/b\.xlsx: it is no whole \.xlsx file/),
    });
  });

  it('stream: 30,000 of them come in many pieces', async () => {
    const bytes = await bookOf((book) => {
      const sheet = book.addWorksheet('Big');
      sheet.addRow(['n', 'text']);
      for (let i = 0; i < 30_000; i++) sheet.addRow([i, `text ${i % 100}`]);
    });
    const reader = await openWorkbook(pieces(bytes), { name: 'b', sheet: null, header: null });
    let most = 0;
    let total = 0;
    for (let more = true; more; ) {
      let inPiece = 0;
      more = await reader.next(() => {
        inPiece++;
      });
      most = Math.max(most, inPiece);
      total += inPiece;
    }
    await reader.close();
    expect(total).toBe(30_000);
    expect(most).toBeLessThan(5000);
  });
});

describe('rows of a workbook that another program wrote', () => {
  it('come back as they were put in, 400 fuzzed rows of text and numbers', async () => {
    const cell = fc.oneof(
      fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
        .filter((text) => !/_x/i.test(text)),
      fc.integer(),
      fc.integer({ min: -1e9, max: 1e9 }).map((cents) => cents / 100),
    );
    const row = fc.array(cell, { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 20, maxLength: 20 }), async (cells) => {
        const book = utils.book_new();
        utils.book_append_sheet(book, utils.aoa_to_sheet([['a', 'b', 'c', 'd'], ...cells]), 'S');
        const { rows } = await rowsOf(
          Buffer.from(write(book, { type: 'buffer', bookType: 'xlsx' })),
        );
        expect(rows).toEqual(cells.map((each) => each.map(String)));
      }),
      { numRuns: 20 },
    );
  });
});

describe('cells', () => {
  it('never show an exponent or a float that only looks odd', () => {
    expect([1e21, 1.5e-7, 0.1 + 0.2, -0, 123456789012345, 2.675, -1e-3].map(numberText)).toEqual([
      '1000000000000000000000',
      '0.00000015',
      '0.3',
      '0',
      '123456789012345',
      '2.675',
      '-0.001',
    ]);
  });

  it('tell dates from numbers by their format', () => {
    const kinds = (codes: string[]) => codes.map((code) => styleOf(200, code).kind);
    expect(kinds(['yyyy-mm-dd', 'h:mm AM/PM', '[$-409]d-mmm-yy', '"day" dd'])).toEqual(
      Array(4).fill('date'),
    );
    expect(kinds(['0.00', '#,##0 "days"', '[Red]0.00', '0.00E+00', '\\d0', 'General'])).toEqual(
      Array(6).fill('number'),
    );
    expect(kinds(['[h]:mm', '[mm]:ss', '000'])).toEqual(['duration', 'duration', 'zeros']);
  });

  it('count days from both epochs', () => {
    expect(dateText(45_361.97934027778, false)).toBe('2024-03-10 23:30:15');
    expect(dateText(43_899, true)).toBe('2024-03-10');
    expect(dateText(1, false)).toBe('1900-01-01');
    expect(dateText(61, false)).toBe('1900-03-01');
    expect(dateText(-1, false)).toBeNull();
  });
});
