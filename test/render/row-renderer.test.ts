import { describe, expect, test } from 'vitest';
import { createRowRenderer, type RenderZone } from '../../src/reports/render/row-renderer.ts';
import { offsetStretches } from '../../src/time/zone.ts';
import { chunkOf, column } from './support/sample.ts';

const COLUMNS = [column('id', 'text'), column('n', 'integer')];
const UTC: RenderZone = { name: 'UTC', stretches: [] };

function rendererOf(form: 'csv' | 'ndjson' | 'xlsx', columns = COLUMNS, zone = UTC) {
  return createRowRenderer(
    { form, columns, locale: 'en', headers: 'labels', firstRows: null },
    zone,
  );
}

describe('a row renderer', () => {
  const chunk = chunkOf(COLUMNS, [
    ['a', 1],
    ['b', null],
    [null, 3],
  ]);

  test('renders the selected rows only, in their order', () => {
    const { bytes, rows } = rendererOf('csv').render(chunk, Uint32Array.of(0, 2), null);
    expect([bytes.toString(), rows]).toEqual(['a,1\r\n,3\r\n', 2]);
    expect(rendererOf('csv').render(chunk, new Uint32Array(0), null)).toMatchObject({ rows: 0 });
  });

  test('gives empty cells a place without references and leaves them out with them', () => {
    const renderer = rendererOf('xlsx');
    const text = (value: string, ref = '') =>
      `<c${ref} s="1" t="inlineStr"><is><t>${value}</t></is></c>`;
    expect(renderer.render(chunk, null, null).bytes.toString()).toBe(
      `<row>${text('a')}<c s="4"><v>1</v></c></row><row>${text('b')}<c/></row><row><c/><c s="4"><v>3</v></c></row>`,
    );
    expect(renderer.render(chunk, Uint32Array.of(1, 2), 1_048_575).bytes.toString()).toBe(
      `<row r="1048575">${text('b', ' r="A1048575"')}</row><row r="1048576"><c r="B1048576" s="4"><v>3</v></c></row>`,
    );
  });

  test('names columns beyond Z by two and three letters', () => {
    const columns = Array.from({ length: 16_384 }, (_, i) => column(`c${i}`, 'integer'));
    const wide = chunkOf(columns, [columns.map((_, i) => i)]);
    const xml = rendererOf('xlsx', columns).render(wide, null, 1).bytes.toString();
    const letters = [...xml.matchAll(/r="([A-Z]+)1"/g)].map((match) => match[1]);
    expect([25, 26, 51, 52, 701, 702, 16_383].map((i) => letters[i])).toEqual([
      'Z',
      'AA',
      'AZ',
      'BA',
      'ZZ',
      'AAA',
      'XFD',
    ]);
  });

  test('grows over any chunk and takes one after another', () => {
    const long = 'x"'.repeat(100_000);
    const renderer = rendererOf('csv', [column('id', 'text')]);
    const large = chunkOf(
      [column('id', 'text')],
      Array.from({ length: 20 }, () => [long]),
    );
    const line = `"${'x""'.repeat(100_000)}"\r\n`;
    expect(renderer.render(large, null, null).bytes.toString()).toBe(line.repeat(20));
    expect(renderer.render(chunk, null, null).bytes.toString()).toBe('a\r\nb\r\n""\r\n');
    expect(renderer.render(large, Uint32Array.of(3), null).bytes.toString()).toBe(line);
  });

  test('refuses a chunk that lacks a column or holds another type', () => {
    expect(() => rendererOf('csv', [column('x', 'text')]).render(chunk, null, null)).toThrow(
      'no column x',
    );
    expect(() => rendererOf('csv', [column('n', 'text')]).render(chunk, null, null)).toThrow(
      RangeError,
    );
    expect(() => rendererOf('xlsx', [column('id', 'integer')]).render(chunk, null, null)).toThrow(
      RangeError,
    );
  });

  test('looks instants outside the stretches it was given up by the zone', () => {
    const [start, end] = [Date.UTC(2026, 9, 24, 22), Date.UTC(2026, 9, 25, 23)];
    const zone = { name: 'Europe/Berlin', stretches: offsetStretches('Europe/Berlin', start, end) };
    const columns = [column('at', 'instant')];
    const instants = [
      start - 1000,
      start,
      Date.UTC(2026, 9, 25, 1),
      end,
      Date.UTC(2027, 6, 1),
      start,
    ];
    const rows = chunkOf(
      columns,
      instants.map((at) => [at]),
    );
    expect(
      rendererOf('csv', columns, zone).render(rows, null, null).bytes.toString().split('\r\n'),
    ).toEqual([
      '2026-10-24 23:59:59',
      '2026-10-25 00:00:00',
      '2026-10-25 02:00:00',
      '2026-10-26 00:00:00',
      '2027-07-01 02:00:00',
      '2026-10-25 00:00:00',
      '',
    ]);
  });
});

describe('numbers as text', () => {
  test.each([
    [0, '0'],
    [-0, '0'],
    [7, '7'],
    [-10, '-10'],
    [999_999_999, '999999999'],
    [1_000_000_000, '1000000000'],
    [2_147_483_647, '2147483647'],
    [-2_147_483_648, '-2147483648'],
    [2_147_483_648, '2147483648'],
    [-9_007_199_254_740_991, '-9007199254740991'],
    [Number.NEGATIVE_INFINITY, '""'],
  ])('the integer %d is %s', (value, text) => {
    const columns = [column('n', 'integer')];
    const { bytes } = rendererOf('csv', columns).render(chunkOf(columns, [[value]]), null, null);
    expect(bytes.toString()).toBe(`${text}\r\n`);
  });

  test.each([
    ['12', 0, '12'],
    ['12', 2, '12.00'],
    ['-12.5', 2, '-12.50'],
    ['12.3456', 2, '12.3456'],
    ['12.500', 2, '12.500'],
    ['+007.5', 2, '7.50'],
    ['0.5', 0, '0.5'],
    ['-0.00', 2, '-0.00'],
    ['123456789012345678901234567890.123456789', 2, '123456789012345678901234567890.123456789'],
  ])('the decimal %s with scale %d is %s', (value, minScale, text) => {
    const columns = [column('d', 'decimal', { minScale })];
    const { bytes } = rendererOf('csv', columns).render(chunkOf(columns, [[value]]), null, null);
    expect(bytes.toString()).toBe(`${text}\r\n`);
  });
});
