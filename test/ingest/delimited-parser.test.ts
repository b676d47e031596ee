import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import { DelimitedParser, type Dialect } from '../../src/ingest/delimited-parser.ts';
import type { Row } from '../../src/mapping/row.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';

const CSV: Dialect = { delimiter: ',', quote: true };

function rowsOf(input: Buffer | string, dialect = CSV, pieceBytes = Number.MAX_SAFE_INTEGER) {
  const rows: string[][] = [];
  const raws: string[] = [];
  const flagged: boolean[] = [];
  const parser = new DelimitedParser(dialect);
  const take = (row: Row) => {
    rows.push(Array.from({ length: row.count }, (_, i) => row.text(i)));
    raws.push(row.raw.toString('utf8'));
    flagged.push(row.notUtf8);
  };
  const bytes = Buffer.from(input);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    parser.push(Buffer.from(bytes.subarray(at, at + pieceBytes)), take);
  }
  parser.end(take);
  return { rows, raws, flagged };
}

describe.skipIf(!hasSharedData)('published cases of CSV', () => {
  const cases = hasSharedData
    ? (JSON.parse(readFileSync(sharedData('csv/parse-cases.json'), 'utf8')) as {
        description: string;
        input: string;
        rows: string[][];
      }[])
    : [];
  for (const { description, input, rows } of cases) {
    it(`${description}: read whole and byte by byte`, () => {
      expect(rowsOf(input).rows).toEqual(rows);
      expect(rowsOf(input, CSV, 1).rows).toEqual(rows);
    });
  }
});

describe('the parser of delimited files', () => {
  it('takes CRLF, LF and no line break at the end, and counts empty lines as no rows', () => {
    expect(rowsOf('a,b\r\n\r\n"c","d"\r\n\ne,f').rows).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'f'],
    ]);
  });

  it('keeps the row as it came beside the fields that it unquotes', () => {
    const { rows, raws } = rowsOf('"say ""hi""",2\r\nx,y\n');
    expect(rows).toEqual([
      ['say "hi"', '2'],
      ['x', 'y'],
    ]);
    expect(raws).toEqual(['"say ""hi""",2', 'x,y']);
  });

  it('takes quotes as text where the map says so', () => {
    expect(rowsOf('"a\t5" disk\n', { delimiter: '\t', quote: false }).rows).toEqual([
      ['"a', '5" disk'],
    ]);
  });

  it('reads a row that is no UTF-8 as Windows-1252, flags it, and leaves its neighbours alone', () => {
    const bytes = Buffer.concat([
      Buffer.from('naïve,1\n'),
      Buffer.from([0x22, 0xa5, 0x80, 0x22, 0x2c, 0x32, 10]),
      Buffer.from('日本,3\n'),
    ]);
    for (const pieceBytes of [1, 5, 1000]) {
      const { rows, flagged } = rowsOf(bytes, CSV, pieceBytes);
      expect(rows).toEqual([
        ['naïve', '1'],
        ['¥€', '2'],
        ['日本', '3'],
      ]);
      expect(flagged).toEqual([false, true, false]);
    }
  });

  it('names the row where a quote is never closed', () => {
    const parser = new DelimitedParser(CSV);
    const piece = Buffer.alloc(4 * 2 ** 20, 'x');
    parser.push(Buffer.from('a,b\n"'), () => {});
    expect(() => {
      for (let i = 0; i < 6; i++) parser.push(piece, () => {});
    }).toThrow(/row 2.*quote/);
  });

  it('reads 10,000 fuzzed rows as Papa Parse does, cut into pieces of any size', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed()),
      fc.string({
        unit: fc.constantFrom('"', ',', '\n', '\r', ' ', 'a', ';', "'", 'é', '😀'),
        maxLength: 8,
      }),
    );
    const table = fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), {
      minLength: 50,
      maxLength: 50,
      size: 'max',
    });
    let rows = 0;
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 400 }), (cells, pieceBytes) => {
        // A BOM is the reader's matter, not the parser's; Papa Parse would strip it.
        fc.pre(!cells[0][0].startsWith('\ufeff'));
        const text = cells
          .map((row) => row.map((each) => `"${each.replaceAll('"', '""')}"`).join(','))
          .join('\r\n');
        const parsed = Papa.parse<string[]>(text, { delimiter: ',', newline: '\r\n' }).data;
        const own = rowsOf(text, CSV, pieceBytes).rows;
        expect(own).toEqual(cells);
        expect(own).toEqual(parsed);
        rows += own.length;
      }),
      { numRuns: 220 },
    );
    expect(rows).toBeGreaterThanOrEqual(10_000);
  });
});
