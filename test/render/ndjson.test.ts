import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { column, fileOf } from './support/sample.ts';

describe('NDJSON', () => {
  test('says instants with offset, decimals digit for digit, none as null, in any locale', async () => {
    const file = await fileOf({
      columns: [
        column('id', 'text', { header: 'Call' }),
        column('at', 'instant'),
        column('day', 'date'),
        column('n', 'integer'),
        column('amount', 'decimal', { minScale: 2 }),
      ],
      batches: [
        [
          ['a', Date.UTC(2026, 9, 25, 0, 30), '2026-10-25', -3, '-12.5'],
          [null, null, null, null, null],
        ],
        [
          [
            '=1',
            Date.UTC(2026, 9, 25, 1, 30, 0, 7),
            '2026-10-25',
            2 ** 53 - 1,
            '12345678901234567890.10',
          ],
        ],
      ],
      format: 'ndjson',
      zone: 'Europe/Berlin',
      locale: 'pt-BR',
    });
    expect(file.toString().split('\n')).toEqual([
      '{"id":"a","at":"2026-10-25T02:30:00+02:00","day":"2026-10-25","n":-3,"amount":-12.5}',
      '{"id":null,"at":null,"day":null,"n":null,"amount":null}',
      '{"id":"=1","at":"2026-10-25T02:30:00.007+01:00","day":"2026-10-25","n":9007199254740991,"amount":12345678901234567890.10}',
      '',
    ]);
  });

  test('negative and old offsets to the second', async () => {
    const at = Date.UTC(1960, 0, 1);
    const columns = [column('at', 'instant')];
    const lines = async (zone: string) =>
      (await fileOf({ columns, batches: [[[at]]], format: 'ndjson', zone })).toString();
    expect(await lines('America/St_Johns')).toBe('{"at":"1959-12-31T20:30:00-03:30"}\n');
    expect(await lines('Africa/Monrovia')).toBe('{"at":"1959-12-31T23:15:30-00:44:30"}\n');
  });

  test('any text comes back equal from JSON.parse', async () => {
    const texts = fc.sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), {
      seed: 3,
      numRuns: 5_000,
    });
    const file = await fileOf({
      columns: [column('t', 'text')],
      batches: [texts.map((text) => [text])],
      format: 'ndjson',
    });
    const back = file
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { t: string }).t);
    expect(back).toEqual(texts);
  });
});
