import { describe, expect, it } from 'vitest';
import { asLines, parseAnswer, rowsAt, valueAt } from '../../src/connectors/answer-rows.ts';
import { ConnectorSpec, checkConnectorSpec } from '../../src/connectors/connector-spec.ts';
import {
  FIRST_PAGE,
  nextOfLink,
  nextPlace,
  pageRequest,
} from '../../src/connectors/page-request.ts';
import { reachedBy, sinceOf } from '../../src/connectors/since.ts';

const specOf = (more: object) =>
  checkConnectorSpec(
    ConnectorSpec.parse({ dataset: 'calls', url: 'https://api.example/v1/calls?limit=2', ...more }),
  );
const urlOf = (spec: ConnectorSpec, place = FIRST_PAGE, since: string | null = null) =>
  pageRequest(spec, place, since, null).url;

describe('the request for a page', () => {
  it('puts page, offset, cursor and since where they are asked for', () => {
    const page = specOf({ paging: { kind: 'page', first: 0, size: 2 } });
    expect(urlOf(page)).toBe('https://api.example/v1/calls?limit=2&page=0');
    expect(urlOf(page, { index: 3, offset: 6, next: null })).toContain('page=3');
    const offset = specOf({
      url: 'https://api.example/calls/{offset}',
      paging: { kind: 'offset' },
    });
    expect(urlOf(offset, { index: 1, offset: 40, next: null })).toBe(
      'https://api.example/calls/40',
    );
    const cursor = specOf({
      paging: { kind: 'cursor', path: 'meta.next' },
      since: { param: 'from', field: 'at' },
    });
    expect(urlOf(cursor)).toBe('https://api.example/v1/calls?limit=2');
    expect(urlOf(cursor, { index: 1, offset: 2, next: 'a&b=c' }, '2024-01-01T00:00:00.000Z')).toBe(
      'https://api.example/v1/calls?limit=2&from=2024-01-01T00%3A00%3A00.000Z&cursor=a%26b%3Dc',
    );
  });

  it('fills the texts of a body, and sends it as JSON', () => {
    const spec = specOf({
      method: 'POST',
      body: { q: { since: '{since}', list: ['{page}', 5] } },
      paging: { kind: 'page' },
      since: { param: 'since', field: 'at' },
    });
    const request = pageRequest(spec, FIRST_PAGE, 'S', null);
    expect(JSON.parse(request.body.toString())).toEqual({ q: { since: 'S', list: ['1', 5] } });
    expect(request.url).toBe('https://api.example/v1/calls?limit=2');
    expect(request.headers['content-type']).toBe('application/json');
  });

  it('bears the secret as it is wanted', () => {
    const headersOf = (auth: object) =>
      pageRequest(specOf({ auth }), FIRST_PAGE, null, 'u:p').headers;
    expect(headersOf({ kind: 'bearer' })['authorization']).toBe('Bearer u:p');
    expect(headersOf({ kind: 'basic' })['authorization']).toBe('Basic dTpw');
    expect(headersOf({ kind: 'header', header: 'X-Api-Key' })['x-api-key']).toBe('u:p');
    expect(headersOf({ kind: 'none' })['authorization']).toBeUndefined();
  });

  it('cannot say headers of ours, lead its secret into the host, or bear a body with GET', () => {
    expect(() => specOf({ headers: { Host: 'x' } })).toThrow('not ours to say');
    expect(() => specOf({ headers: { a: 'b\r\nc: d' } })).toThrow('visible ASCII');
    expect(() => specOf({ url: 'https://{since}.example/' })).toThrow('a host that is written out');
    expect(() => specOf({ body: {} })).toThrow('none with GET');
    expect(() => specOf({ cron: '* * *' })).toThrow('five fields');
    expect(() => specOf({ map: { fields: {} } })).toThrow('fields.external_id');
  });
});

describe('the next page', () => {
  const from = { url: 'https://api.example/v1/calls?limit=2', next: null };

  it('comes until a page is empty, or short where the size is known', () => {
    const sized = specOf({ paging: { kind: 'offset', size: 2 } });
    expect(nextPlace(sized, FIRST_PAGE, { ...from, rows: 2 })).toMatchObject({ offset: 2 });
    expect(nextPlace(sized, FIRST_PAGE, { ...from, rows: 1 })).toBeNull();
    const unsized = specOf({ paging: { kind: 'page' } });
    expect(nextPlace(unsized, FIRST_PAGE, { ...from, rows: 1 })).toMatchObject({ index: 1 });
    expect(nextPlace(unsized, FIRST_PAGE, { ...from, rows: 0 })).toBeNull();
  });

  it('of a cursor that comes again, and on another host, is an error', () => {
    const cursor = specOf({ paging: { kind: 'cursor', path: 'next' } });
    const at = { index: 1, offset: 2, next: 'A' };
    expect(nextPlace(cursor, at, { ...from, rows: 2, next: 'B' })?.next).toBe('B');
    expect(nextPlace(cursor, at, { ...from, rows: 2, next: null })).toBeNull();
    expect(() => nextPlace(cursor, at, { ...from, rows: 2, next: 'A' })).toThrow('the same page');
    const link = specOf({ paging: { kind: 'link' } });
    for (const next of [
      'https://evil.example/',
      'http://api.example/',
      'https://api.example:8443/',
    ])
      expect(() => nextPlace(link, at, { ...from, rows: 2, next })).toThrow('another host');
    expect(nextPlace(link, at, { ...from, rows: 2, next: '/v1/calls?page=2' })?.next).toBe(
      'https://api.example/v1/calls?page=2',
    );
  });

  it('stands in a Link header among others', () => {
    expect(nextOfLink('<a>; rel="prev", <b?x=1,2>; title="t"; rel="next"')).toBe('b?x=1,2');
    expect(nextOfLink('<a>; rel="first next"')).toBe('a');
    expect(nextOfLink('<a>; rel=next')).toBe('a');
    expect(nextOfLink('<a>; rel="nextish"')).toBeNull();
    expect(nextOfLink(undefined)).toBeNull();
  });
});

describe('an answer', () => {
  it('keeps every digit, and finds rows at a path', () => {
    const answer = parseAnswer(
      '{"d":{"i":[{"id":12345678901234567890,"a":1.10,"t":"x 1 \\" 2"}]}}',
      'p',
    );
    const rows = rowsAt(answer, 'd.i', 'p');
    expect(rows).toEqual([{ id: '12345678901234567890', a: '1.10', t: 'x 1 " 2' }]);
    expect(asLines(rows, 'p').toString()).toBe(
      '{"id":"12345678901234567890","a":"1.10","t":"x 1 \\" 2"}\n',
    );
    expect(valueAt(answer, 'd.i.0.a')).toBe('1.10');
    expect(valueAt(answer, '__proto__.x')).toBeUndefined();
  });

  it('that is none says where and why', () => {
    expect(() => parseAnswer('<html>', 'page 3')).toThrow('page 3: the answer is no JSON: <html>');
    expect(() => rowsAt({ d: 1 }, 'd', 'page 1')).toThrow('d is no list of rows');
    expect(() => rowsAt([{}, 5], '', 'page 1')).toThrow('row 2 of the answer is no object');
    const deep = `[{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}]`;
    expect(() => asLines(rowsAt(parseAnswer(deep, 'p'), '', 'p'), 'p')).toThrow(/p: /);
  });
});

describe('since', () => {
  const iso = { param: 's', field: 'at', format: 'iso', overlap: 60 } as const;

  it('begins at the start, then the overlap before the greatest that was met', () => {
    expect(sinceOf({ ...iso, start: '2024-01-01' }, null)).toBe('2024-01-01');
    const reached = reachedBy(iso, null, [
      { at: '2024-01-02T00:00:00+02:00' },
      { at: '2024-01-01T21:59:59Z' },
      {},
    ]);
    expect(reached).toBe('2024-01-01T22:00:00.000Z');
    expect(sinceOf(iso, reached)).toBe('2024-01-01T21:59:00.000Z');
    expect(reachedBy(iso, reached, [{ at: '2023-01-01T00:00:00Z' }])).toBe(reached);
  });

  it('of numbers is exact, and in the units of the API', () => {
    const of = (format: 'unix' | 'unix_ms' | 'number') => ({ ...iso, format, overlap: 5 });
    expect(sinceOf(of('unix'), '1700000000')).toBe('1699999995');
    expect(sinceOf(of('unix_ms'), '1700000000000')).toBe('1699999995000');
    expect(reachedBy(of('number'), '9007199254740993', [{ at: '9007199254740994' }])).toBe(
      '9007199254740994',
    );
    expect(() => reachedBy(of('number'), null, [{ at: 'x' }])).toThrow('expected a whole number');
  });
});
