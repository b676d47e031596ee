import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowLines } from '../../../src/ingest/signed/row-lines.ts';

const LIMITS = { rows: 1000, rowBytes: 100_000, depth: 8 };

/** The body in pieces of these sizes, over and over. */
function walk(layout: 'lines' | 'array', body: Buffer, sizes: readonly number[]) {
  const lines = new RowLines(layout, LIMITS);
  const out: Buffer[] = [];
  for (let at = 0, i = 0; at < body.length; i++) {
    const end = at + sizes[i % sizes.length];
    out.push(Buffer.from(lines.push(body.subarray(at, end))));
    at = end;
  }
  lines.end();
  return { text: Buffer.concat(out).toString(), rows: lines.rows };
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
const values = fc.array(fc.jsonValue({ depthSize: 'small', maxDepth: 6 }), {
  minLength: 1,
  maxLength: 8,
});
const spaces = fc.constantFrom(undefined, 1, '\t', '  ');

describe('a JSON array', () => {
  it('becomes one line per value that means the same, however it is spaced and cut', () => {
    fc.assert(
      fc.property(values, spaces, sizes, (array, space, pieces) => {
        const body = Buffer.from(JSON.stringify(array, null, space));
        const { text, rows } = walk('array', body, pieces);
        const lines = text.split('\n').filter((line) => line.trim() !== '');
        expect(lines.map((line) => JSON.parse(line))).toEqual(JSON.parse(body.toString()));
        expect(rows).toBe(array.length);
      }),
    );
  });
});

describe('lines', () => {
  it('go through byte for byte and are counted, however they are cut', () => {
    fc.assert(
      fc.property(values, sizes, (array, pieces) => {
        const body = Buffer.from(array.map((value) => `${JSON.stringify(value)}\n\n`).join(''));
        expect(walk('lines', body, pieces)).toEqual({ text: body.toString(), rows: array.length });
      }),
    );
  });

  it('begin anew after each line break, whatever stood before', () => {
    for (const bad of ['"', '{"a', '[[[[', '}}}}', '\\', '"\\']) {
      const body = Buffer.from(`${bad}\n${'['.repeat(8)}${']'.repeat(8)}\n`);
      expect(walk('lines', body, [3]).rows, bad).toBe(2);
      const deep = Buffer.from(`${bad}\n${'['.repeat(9)}\n`);
      expect(() => walk('lines', deep, [3]), bad).toThrow('nested deeper than 8');
    }
  });
});

describe('bytes that are no UTF-8', () => {
  it('are refused wherever they are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), sizes, (bytes, pieces) => {
        const body = Buffer.concat([Buffer.from('{"a":"€"}\n'), bytes]);
        const isText = body.equals(Buffer.from(body.toString('utf8')));
        let refused = false;
        try {
          walk('lines', body, pieces);
        } catch (error) {
          refused = /no UTF-8/.test((error as Error).message);
          if (!refused && !/nested deeper/.test((error as Error).message)) throw error;
        }
        expect(refused).toBe(!isText);
      }),
    );
  });
});
