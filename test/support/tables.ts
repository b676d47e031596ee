import { parse } from 'csv-parse/sync';
import ExcelJS from 'exceljs';
import { expect } from 'vitest';
import * as XLSX from 'xlsx';

/**
 * Tables as other programs read them from our files, cells in one plain form: a local time as
 * `YYYY-MM-DD HH:MM:SS`, a date as `YYYY-MM-DD`, a number as JavaScript writes it, none as ''.
 */

export type CellType = 'text' | 'number' | 'instant' | 'date';
/** Columns of a file by key, in its order. */
export type Shape = Readonly<Record<string, CellType>>;
export type Line = readonly string[];

export function linesOfCsv(text: string, shape: Shape): Line[] {
  const [header, ...lines] = parse(text) as string[][];
  expect(header).toEqual(Object.keys(shape));
  const types = Object.values(shape);
  return lines.map((line) =>
    line.map((cell, i) => (types[i] === 'number' && cell !== '' ? String(Number(cell)) : cell)),
  );
}

export function linesOfNdjson(text: string, shape: Shape): Line[] {
  const keys = Object.keys(shape);
  const types = Object.values(shape);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const record = JSON.parse(line) as Record<string, string | number | null>;
      expect(Object.keys(record).length).toBe(keys.length);
      return keys.map((key, i) => {
        const value = record[key];
        if (value === null) return '';
        if (types[i] === 'instant') return `${value}`.slice(0, 19).replace('T', ' ');
        return types[i] === 'number' ? String(Number(value)) : `${value}`;
      });
    });
}

type SheetValue = string | number | null | undefined;

/** The sheets of a workbook as SheetJS reads them: raw values, header and all. */
export function sheetsOfSheetJs(file: string): Record<string, SheetValue[][]> {
  const book = XLSX.readFile(file, { dense: true });
  return Object.fromEntries(
    book.SheetNames.map((name) => [
      name,
      XLSX.utils.sheet_to_json<SheetValue[]>(book.Sheets[name], { header: 1, blankrows: true }),
    ]),
  );
}

/** The lines of a Detail sheet that {@link sheetsOfSheetJs} read. */
export function linesOfSheet([header, ...rows]: SheetValue[][], shape: Shape): Line[] {
  expect(header).toEqual(Object.keys(shape));
  const types = Object.values(shape);
  return rows.map((row) =>
    types.map((type, i) => {
      const value = row[i];
      if (value === null || value === undefined) return '';
      if (type === 'instant') return secondText(Number(value) * 86_400_000 + EPOCH_1900_MS);
      if (type === 'date') {
        return secondText(Number(value) * 86_400_000 + EPOCH_1900_MS).slice(0, 10);
      }
      if (typeof value !== (type === 'number' ? 'number' : 'string')) {
        throw new Error(`a cell that should be ${type} is ${typeof value}: ${value}`);
      }
      return String(value);
    }),
  );
}

/** The Detail lines of a workbook as ExcelJS reads them. */
export async function linesOfExcelJs(file: string, shape: Shape): Promise<Line[]> {
  const book = new ExcelJS.Workbook();
  await book.xlsx.readFile(file);
  const sheet = book.getWorksheet('Detail')!;
  const types = Object.values(shape);
  const lines: string[][] = [];
  sheet.eachRow((row, number) => {
    const values = row.values as ExcelJS.CellValue[];
    lines.push(
      types.map((type, i) => {
        const value = values[i + 1];
        if (value === null || value === undefined) return '';
        if (number === 1 || !(value instanceof Date)) return String(value);
        return type === 'date'
          ? secondText(value.getTime()).slice(0, 10)
          : secondText(value.getTime());
      }),
    );
  });
  expect(lines.shift()).toEqual(Object.keys(shape));
  return lines;
}

/** Says the first line that differs; a comparison of some 100,000 lines would take its time. */
export function expectSameLines(got: readonly Line[], expected: readonly Line[]): void {
  for (const [i, line] of expected.entries()) {
    if (line.join('\t') !== got[i]?.join('\t'))
      expect({ line: i, got: got[i] }).toEqual({ line: i, got: line });
  }
  expect(got.length).toBe(expected.length);
}

/** Exact sum of plain numbers with at most six decimals. */
export function sumOf(texts: Iterable<string>): string {
  let millionths = 0n;
  for (const text of texts) {
    const [, sign, whole, digits = ''] = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(text)!;
    const value = BigInt(whole + digits.padEnd(6, '0'));
    millionths += sign === '-' ? -value : value;
  }
  const digits = (millionths < 0n ? -millionths : millionths).toString().padStart(7, '0');
  const text = `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, '');
  return millionths < 0n ? `-${text}` : text;
}

/** Day 0 of Excel's calendar, once the 29th of February that 1900 never had is past. */
const EPOCH_1900_MS = Date.UTC(1899, 11, 30);

function secondText(ms: number): string {
  const rounded = Math.round(ms / 1000) * 1000;
  if (Math.abs(ms - rounded) > 10) throw new Error(`${ms} is no whole second`);
  return new Date(rounded).toISOString().slice(0, 19).replace('T', ' ');
}
