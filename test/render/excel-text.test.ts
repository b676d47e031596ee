import ExcelJS from 'exceljs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { CELL_UNITS, excelText, writeExcelText } from '../../src/reports/render/excel-text.ts';
import { asExcelReads, sheetRows, textsIn, unzip } from './support/read-xlsx.ts';
import { column, fileOf } from './support/sample.ts';

function elementOf(bytes: Uint8Array): string {
  const out = new Uint8Array(bytes.length * 7 + 256);
  const end = writeExcelText(out, 0, bytes, 0, bytes.length, 'en');
  return Buffer.from(out.buffer, 0, end).toString('utf8');
}

function textOf(text: string): string {
  return asExcelReads(textsIn(elementOf(Buffer.from(text, 'utf8')))[0]);
}

const isUnsayable = (unit: number) =>
  (unit < 0x20 && unit !== 9 && unit !== 10 && unit !== 13) ||
  (unit >= 0xd800 && unit <= 0xdfff) ||
  unit >= 0xfffe;

describe('each of the 65,536 code units in a cell', () => {
  const units = Array.from({ length: 65_536 }, (_, unit) => unit);
  const expected = units.map(
    (unit) => `a${isUnsayable(unit) ? '\ufffd' : String.fromCharCode(unit)}b`,
  );
  let file: Buffer;
  let sheet: string;

  beforeAll(async () => {
    const rows = units.map((unit) => [`a${String.fromCharCode(unit)}b`]);
    file = await fileOf({
      columns: [column('t', 'text')],
      batches: [rows.slice(0, 40_000), rows.slice(40_000)],
      format: 'xlsx',
      cellRefs: true,
    });
    sheet = (await unzip(file)).get('xl/worksheets/sheet2.xml')!.toString('utf8');
  });

  test('is well-formed, and legal text is identical to an XML parser', () => {
    expect(textsIn(sheet).map(asExcelReads)).toEqual(expected);
  });

  test('is identical to SheetJS', () => {
    expect(sheetRows(file, 'Detail').slice(1)).toEqual(expected.map((text) => [text]));
  });

  test('is identical to ExcelJS', async () => {
    const workbook = new ExcelJS.Workbook();
    await workbook.xlsx.load(file.buffer as ArrayBuffer);
    const read: unknown[] = [];
    workbook.getWorksheet('Detail')!.eachRow((row, number) => {
      if (number > 1) read.push(row.getCell(1).value);
    });
    expect(read).toEqual(expected);
  });
});

describe('text in a workbook', () => {
  test('a surrogate written as if it were a character becomes U+FFFD', () => {
    for (const third of [0x80, 0xbf]) {
      for (const second of [0xa0, 0xaf, 0xb0, 0xbf]) {
        const bytes = Buffer.from([0x61, 0xed, second, third, 0x62]);
        expect(textsIn(elementOf(bytes))).toEqual(['a\ufffdb']);
      }
    }
    expect(textOf('a\ud7ffb')).toBe('a\ud7ffb');
  });

  test('a literal _xHHHH_ comes back literally', () => {
    for (const text of [
      '_x0041_',
      '_x000D_',
      '_X00e9_',
      '_x0041_x0042_',
      '__x0041__',
      '_x005F_x0041_',
    ]) {
      expect(textOf(text)).toBe(text);
      expect(asExcelReads(excelText(text, 'en'))).toBe(text);
    }
    expect(elementOf(Buffer.from('_x0041'))).toBe('<t>_x0041</t>');
  });

  test('any legal text comes back identical, blanks at its ends too', () => {
    const legal = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 30 })
      .filter(
        (text) =>
          ![...text].some(
            (character) => isUnsayable(character.charCodeAt(0)) && character.length === 1,
          ),
      );
    const near = fc.string({
      unit: fc.constantFrom('_', 'x', '0', 'a', 'F', ' ', '\r', '\n', '<', '&', ']', '>'),
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.oneof(legal, near), (text) => {
        expect(textOf(text)).toBe(text);
      }),
      { numRuns: 3_000 },
    );
  });

  test('blanks at the ends, line breaks and tabs are marked to be kept', () => {
    for (const text of [' a', 'a ', 'a\nb', 'a\tb', 'a\rb']) {
      expect(elementOf(Buffer.from(text))).toContain('xml:space="preserve"');
    }
    expect(elementOf(Buffer.from('a b'))).toBe('<t>a b</t>');
  });

  test('32,767 code units are kept whole, one more is cut with a note, no pair in two', () => {
    const kept = ['x'.repeat(CELL_UNITS), 'é'.repeat(CELL_UNITS), `${'😀'.repeat(16_383)}x`];
    for (const text of kept) {
      expect(textOf(text)).toBe(text);
      expect(excelText(text, 'en')).toBe(text);
    }
    for (const text of [
      'x'.repeat(CELL_UNITS + 1),
      '😀'.repeat(16_384),
      `x${'😀'.repeat(20_000)}`,
    ]) {
      const cut = textOf(text);
      expect(cut.length).toBeGreaterThan(CELL_UNITS - 2);
      expect(cut.length).toBeLessThanOrEqual(CELL_UNITS);
      expect(cut.endsWith(` [… cut: the text has ${text.length} characters]`)).toBe(true);
      expect(cut).not.toMatch(/\p{Surrogate}/u);
      expect(excelText(text, 'en')).toBe(cut);
    }
  });
});
