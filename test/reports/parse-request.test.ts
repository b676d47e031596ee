import { describe, expect, it } from 'vitest';
import { DaybookError } from '../../src/errors.ts';
import { canonicalJson } from '../../src/reports/canonical-json.ts';
import { parseReportRequest, type RawRequest } from '../../src/reports/parse-request.ts';

const GOOD: RawRequest = { report: 'queues', from: '2026-03-01', to: '2026-03-31' };
const parse = (raw: RawRequest) => parseReportRequest(raw, { locale: 'es' });

function problemOf(raw: RawRequest): DaybookError {
  try {
    parse(raw);
  } catch (error) {
    if (error instanceof DaybookError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a request', () => {
  it('gets its defaults from the report and the tenant', () => {
    expect(parse(GOOD)).toEqual({
      report: 'queues',
      period: { from: '2026-03-01', to: '2026-03-31' },
      format: 'csv',
      zone: null,
      grain: 'period',
      columns: [
        'queue',
        'offered',
        'answered',
        'abandoned',
        'other',
        'ignored',
        'service_level',
        'abandoned_rate',
        'average_wait',
        'longest_wait',
        'wait_seconds',
        'talk_seconds',
        'average_handle_time',
      ],
      where: [],
      params: { service_level_seconds: 20 },
      locale: 'es',
      headers: 'labels',
      cellRefs: 'auto',
      cache: true,
    });
  });

  it('has the 14 fields of a call as the default columns of calls', () => {
    expect(parse({ ...GOOD, report: 'calls' }).columns.join(' ')).toBe(
      'external_id started_at queued_at answered_at ended_at direction caller callee queue agent trunk disposition wait_seconds talk_seconds',
    );
  });

  it('has a date among its columns at grain day only', () => {
    expect(parse({ ...GOOD, grain: 'day' }).columns[0]).toBe('date');
    expect(problemOf({ ...GOOD, columns: ['date'] }).code).toBe('E_UNKNOWN_COLUMN');
  });

  it('is the same in its forms over HTTP and from the command line', () => {
    const http = {
      ...GOOD,
      columns: ['queue', 'offered'],
      where: [{ field: 'wait_seconds', op: '>=', values: [20] }],
      params: { service_level_seconds: 30 },
      zone: 'Europe/Vienna',
    };
    const cli = {
      ...GOOD,
      columns: 'queue, offered',
      where: ['wait_seconds >= 020', 'wait_seconds>=20'],
      params: { service_level_seconds: '30' },
      zone: 'Europe/Vienna',
      grain: undefined,
      cell_refs: undefined,
    };
    expect(canonicalJson(parse(cli))).toBe(canonicalJson(parse(http)));
  });
});

const refused: [string, RawRequest, string, RegExp][] = [
  ['no report', { ...GOOD, report: undefined }, 'E_INVALID', /report: got nothing/],
  ['an unknown report', { ...GOOD, report: 'queus' }, 'E_UNKNOWN_REPORT', /mean queues\?/],
  ['no from', { ...GOOD, from: undefined }, 'E_INVALID', /from: got nothing.*YYYY-MM-DD/],
  ['a number as from', { ...GOOD, from: 20260301 }, 'E_INVALID', /from: got 20260301/],
  ['30 February', { ...GOOD, to: '2026-02-30' }, 'E_DATE', /to: "2026-02-30"/],
  ['a period that ends first', { ...GOOD, to: '2026-02-01' }, 'E_PERIOD', /to: got 2026-02-01/],
  ['eleven years', { ...GOOD, to: '2037-03-01' }, 'E_PERIOD', /at most 10 years/],
  ['an unknown zone', { ...GOOD, zone: 'Europe/Wien' }, 'E_UNKNOWN_ZONE', /zone: "Europe\/Wien"/],
  ['null as zone', { ...GOOD, zone: null }, 'E_INVALID', /zone: got null/],
  ['a format in capitals', { ...GOOD, format: 'XLSX' }, 'E_INVALID', /format: .*mean xlsx\?/],
  ['a grain of other reports', { ...GOOD, grain: 'row' }, 'E_INVALID', /grain: .*day, period/],
  ['a misspelt key', { ...GOOD, formt: 'csv' }, 'E_INVALID', /the key "formt".*mean format\?/],
  ['__proto__ as a key', JSON.parse('{"report":"calls","__proto__":1}'), 'E_INVALID', /__proto__/],
  ['a list', [] as unknown as RawRequest, 'E_INVALID', /request: got \[\]/],
  [
    'a misspelt column',
    { ...GOOD, columns: ['queue', 'anwsered'] },
    'E_UNKNOWN_COLUMN',
    /columns\[1\]: queues at grain period has no column "anwsered".*mean answered\?/,
  ],
  ['a column twice', { ...GOOD, columns: 'queue,queue' }, 'E_INVALID', /columns\[1\].*once/],
  ['no columns', { ...GOOD, columns: [] }, 'E_INVALID', /columns: got \[\]/],
  ['an empty text of columns', { ...GOOD, columns: '' }, 'E_UNKNOWN_COLUMN', /columns\[0\]/],
  ['a number as a column', { ...GOOD, columns: [1] }, 'E_INVALID', /columns\[0\]: got 1/],
  ['where as text', { ...GOOD, where: 'queue=PS' }, 'E_INVALID', /where: got "queue=PS"/],
  [
    'a filter on no field',
    { ...GOOD, where: ['quue=PS'] },
    'E_FILTER',
    /where\[0\]: got "quue"; expected a field of calls.*mean queue\?/,
  ],
  [
    'contains in a number',
    { ...GOOD, where: ['wait_seconds~2'] },
    'E_FILTER',
    /wait_seconds: got "~"/,
  ],
  ['a word as a number', { ...GOOD, where: ['wait_seconds=ten'] }, 'E_FILTER', /got "ten".*whole/],
  ['a list after >=', { ...GOOD, where: ['wait_seconds>=1,2'] }, 'E_FILTER', /got "1,2"/],
  ['an empty value', { ...GOOD, where: ['queue='] }, 'E_FILTER', /queue: got an empty value/],
  [
    'an unknown disposition',
    { ...GOOD, where: ['disposition=answer'] },
    'E_FILTER',
    /got "answer".*mean answered\?/,
  ],
  ['order among words', { ...GOOD, where: ['disposition>=busy'] }, 'E_FILTER', /got ">="/],
  ['a date as an instant', { ...GOOD, where: ['started_at>=2026-03-01'] }, 'E_FILTER', /ISO 8601/],
  ['hour 24', { ...GOOD, where: ['started_at>=2026-03-01T24:00Z'] }, 'E_FILTER', /ISO 8601/],
  [
    'an unknown op',
    { ...GOOD, where: [{ field: 'queue', op: '==', values: ['a'] }] },
    'E_FILTER',
    /where\[0\]\.op: got "=="/,
  ],
  [
    'no values',
    { ...GOOD, where: [{ field: 'queue', op: '=', values: [] }] },
    'E_FILTER',
    /0 values/,
  ],
  [
    'null as a value',
    { ...GOOD, where: [{ field: 'queue', op: '=', values: [null] }] },
    'E_INVALID',
    /values\[0\]: got null/,
  ],
  [
    'value for values',
    { ...GOOD, where: [{ field: 'queue', op: '=', value: 'a' }] },
    'E_INVALID',
    /the key "value"/,
  ],
  [
    'a lone surrogate',
    { ...GOOD, where: [{ field: 'queue', op: '=', values: ['\ud800'] }] },
    'E_FILTER',
    /Unicode/,
  ],
  [
    'an unknown parameter',
    { ...GOOD, params: { service_level_secs: 5 } },
    'E_PARAM',
    /mean service_level_seconds\?/,
  ],
  [
    'a parameter of another report',
    { ...GOOD, report: 'calls', params: { service_level_seconds: 5 } },
    'E_PARAM',
    /calls has none/,
  ],
  [
    'a parameter out of range',
    { ...GOOD, params: { service_level_seconds: -1 } },
    'E_PARAM',
    /from 0 to 86400/,
  ],
  [
    'a broken parameter',
    { ...GOOD, params: { service_level_seconds: '1.5' } },
    'E_PARAM',
    /got "1.5"/,
  ],
  ['params as a list', { ...GOOD, params: [] }, 'E_INVALID', /params: got \[\]/],
  ['an unknown locale', { ...GOOD, locale: 'pt' }, 'E_INVALID', /locale: .*pt-BR/],
  ['cache as text', { ...GOOD, cache: 'no' }, 'E_INVALID', /cache: got "no"/],
];

it.each(refused)('%s is refused with what came and what is expected', (_, raw, code, message) => {
  const problem = problemOf(raw);
  expect([problem.code, problem.message]).toEqual([code, expect.stringMatching(message)]);
  expect(problem.status).toBeGreaterThanOrEqual(400);
  expect(problem.status).toBeLessThan(500);
});

describe('canonical JSON', () => {
  it('does not depend on the order of keys', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true, e: undefined })).toBe(
      '{"a":true,"b":[1,{"c":"x","d":null}]}',
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1n, undefined, () => 1])('refuses %s', (value) => {
    expect(() => canonicalJson([value])).toThrow(RangeError);
  });
});
