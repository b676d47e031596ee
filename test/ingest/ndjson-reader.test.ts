import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openNdjson } from '../../src/ingest/ndjson-reader.ts';
import { pieces } from './support/load.ts';

interface ReadRow {
  readonly number: number;
  readonly texts: readonly (string | null)[];
  readonly problem: string | null;
}

const COLUMNS = ['a', 'b', 'long name', 'é', 'absent'];

async function read(lines: string, keepRest: boolean): Promise<ReadRow[]> {
  const rows: ReadRow[] = [];
  const reader = openNdjson(pieces(Buffer.from(lines), 37), COLUMNS, keepRest);
  const visit = (row: Parameters<Parameters<typeof reader.next>[0]>[0]) => {
    const texts = Array.from({ length: row.count }, (_, i) =>
      row.ends[i] < 0 ? null : row.text(i),
    );
    rows.push({ number: row.number, texts, problem: row.problem?.reason ?? null });
  };
  while (await reader.next(visit));
  await reader.close();
  return rows;
}

const values = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 2 }),
  fc.record({ a: fc.integer() }),
);
const names = fc.constantFrom(...COLUMNS.slice(0, 4), 'other', 'q"uote', 'back\\slash', '');
const objects = fc.dictionary(names, values, { maxKeys: 6 });
/** JSON as programs write it, and as nobody should. */
const lines = fc
  .tuple(objects, fc.nat(5), fc.nat(200), fc.constantFrom(...'"\\{}[],:x 0-e'))
  .map(([object, form, at, character]) => {
    const text = JSON.stringify(object);
    if (form === 0) return text.replaceAll(',', ' ,\t').replaceAll(':', ' : ');
    const place = at % (text.length + 1);
    if (form === 1) return text.slice(0, place) + text.slice(place + 1);
    if (form === 2) return text.slice(0, place) + character + text.slice(place);
    return text;
  });

describe('NDJSON', () => {
  it('is read alike by the quick way for flat objects and by the one for all of JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(lines, { maxLength: 12 }), async (some) => {
        const text = some.join('\n');
        expect(await read(text, false)).toEqual(await read(text, true));
      }),
      { numRuns: 400 },
    );
  });

  it('of a line is refused where a name stands twice, at any depth and however it is written', async () => {
    const flat = '{"a":1,"b":2}';
    for (const line of [
      '{"a":1,"a":2}',
      '{"a":1,"\\u0061":2}',
      '{"a":1,"b":2,"a" :3}',
      '{"b":2,"a":{"x":1,"x":2}}',
      '{"a":[{"x":1,"x":1}]}',
    ]) {
      const [, second, third] = await read(`${flat}\n${line}\n${flat}`, false);
      expect(second.problem, line).toBe('a name stands twice in an object of the line');
      expect(third).toMatchObject({ texts: ['1', '2', null, null, null], problem: null });
    }
  });

  it('keeps the digits of numbers, and takes texts that look like names for texts', async () => {
    const rows = await read(
      '{"a":12345678901234567890.10,"b":"x\\":1"}\n{"a":-0.5,"b":":"}\n{"a":1.5e-7,"b":true}',
      false,
    );
    expect(rows.map(({ texts }) => texts.slice(0, 2))).toEqual([
      ['12345678901234567890.10', 'x":1'],
      ['-0.5', ':'],
      ['0.00000015', 'true'],
    ]);
  });
});
