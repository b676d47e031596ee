import { describe, expect, it } from 'vitest';
import { DaybookError } from '../../src/errors.ts';
import { parseLoadMap } from '../../src/mapping/parse-load-map.ts';
import { datasetOf } from '../../src/reports/dataset.ts';
import { docsMap } from '../ingest/support/load.ts';

const FIELDS = {
  external_id: 'id',
  started_at: 'start',
  ended_at: 'end',
  disposition: 'outcome',
};

function withField(name: string, source: unknown, more: Record<string, unknown> = {}) {
  return { zone: 'UTC', ...more, fields: { ...FIELDS, [name]: source } };
}

const WRONG: readonly [string, unknown, where: string, got: string, expected: RegExp][] = [
  ['no object', [], '(the whole)', '[]', /an object/],
  [
    'unknown key',
    { feilds: {} },
    '(the whole)',
    'the key feilds',
    /any of preset, zone, delimiter/,
  ],
  ['zone', { zone: 'Mars/Base' }, 'zone', 'Mars/Base', /an IANA name/],
  ['offset as zone', { zone: '+02:00' }, 'zone', '+02:00', /an IANA name/],
  ['delimiter', { delimiter: '::' }, 'delimiter', '::', /one ASCII character/],
  ['quote', { quote: 'no' }, 'quote', 'no', /true or false/],
  ['header twice', { header: ['a', 'a'] }, 'header', 'a twice', /every name once/],
  ['extra', { extra: [3] }, 'extra[0]', '3', /a text/],
  ['unknown field', { fields: { ...FIELDS, colour: 'x' } }, 'fields', 'the key colour', /any of/],
  ['missing field', { fields: { external_id: 'id' } }, 'fields.started_at', 'nothing', /required/],
  ['unknown option', withField('queue', { col: 'q' }), 'fields.queue', 'the key col', /any of/],
  ['no source', withField('queue', {}), 'fields.queue', '{}', /one of column, join/],
  [
    'two sources',
    withField('queue', { column: 'a', value: 'b' }),
    'fields.queue',
    'column and value',
    /one of column, join/,
  ],
  ['with alone', withField('queue', { column: 'a', with: '-' }), 'fields.queue.with', '-', /join/],
  ['join', withField('queue', { join: [] }), 'fields.queue.join', '[]', /a list of columns/],
  ['join part', withField('queue', { join: [{}] }), 'fields.queue.join[0]', '{}', /one of column/],
  [
    'format of text',
    withField('queue', { column: 'q', format: 'yyyy' }),
    'fields.queue.format',
    'yyyy',
    /only for instants; queue is text/,
  ],
  [
    'format without tokens',
    withField('started_at', { column: 's', format: '--' }),
    'fields.started_at.format',
    '--',
    /Luxon tokens/,
  ],
  ['preset', { preset: 'avaya' }, 'preset', 'avaya', /one of asterisk, freeswitch/],
  ['legs without fields', { legs: true }, 'fields', 'nothing', /the fields of legs/],
  [
    'default',
    withField('direction', { column: 'd', default: 'up' }),
    'fields.direction.default',
    'up',
    /one of inbound/,
  ],
  [
    'default of instant',
    withField('queued_at', { column: 'd', default: '0' }),
    'fields.queued_at.default',
    '0',
    /not for instants/,
  ],
  [
    'empty default',
    withField('queue', { column: 'q', default: '' }),
    'fields.queue.default',
    '',
    /a text or a number/,
  ],
  ['trim', withField('queue', { column: 'q', trim: 1 }), 'fields.queue.trim', '1', /true or false/],
  [
    'table',
    withField('queue', { column: 'q', table: {} }),
    'fields.queue.table',
    '{}',
    /an object of texts/,
  ],
  [
    'value of table',
    withField('direction', { column: 'd', table: { IN: 'in' } }),
    'fields.direction.table.IN',
    'in',
    /one of inbound/,
  ],
  [
    'group in table',
    withField('queue', { column: 'q', table: { a: '$1' } }),
    'fields.queue.table.a',
    '$1',
    /catches no groups/,
  ],
  [
    'table and match',
    withField('queue', { column: 'q', table: { a: 'b' }, match: [['', 'x']] }),
    'fields.queue.match',
    '[["","x"]]',
    /not beside table/,
  ],
  [
    'otherwise alone',
    withField('queue', { column: 'q', otherwise: 'x' }),
    'fields.queue.otherwise',
    'x',
    /only beside table/,
  ],
  [
    'value of otherwise',
    withField('direction', { column: 'd', table: { I: 'inbound' }, otherwise: 'x' }),
    'fields.direction.otherwise',
    'x',
    /one of inbound/,
  ],
  [
    'formats',
    withField('started_at', { column: 's', formats: [] }),
    'fields.started_at.formats',
    '[]',
    /a list of formats/,
  ],
  [
    'one of formats',
    withField('started_at', { column: 's', formats: ['ISO', '--'] }),
    'fields.started_at.formats[1]',
    '--',
    /Luxon tokens/,
  ],
  [
    'format and formats',
    withField('started_at', { column: 's', format: 'X', formats: ['ISO'] }),
    'fields.started_at.format',
    'X',
    /not beside formats/,
  ],
  ['first', withField('queue', { first: 'a' }), 'fields.queue.first', 'a', /a list of columns/],
  [
    'format without date',
    withField('started_at', { column: 's', format: 'HH:mm' }),
    'fields.started_at.format',
    'HH:mm',
    /a date too/,
  ],
  [
    'after with date',
    withField('ended_at', { column: 's', format: 'yyyy-MM-dd', after: 'started_at' }),
    'fields.ended_at.format',
    'yyyy-MM-dd',
    /without a date/,
  ],
  [
    'after nothing',
    withField('ended_at', { column: 's', after: 'queue' }),
    'fields.ended_at.after',
    'queue',
    /another instant of this map: started_at/,
  ],
  [
    'after in a circle',
    {
      zone: 'UTC',
      fields: {
        ...FIELDS,
        started_at: { column: 's', after: 'ended_at' },
        ended_at: { column: 'e', after: 'started_at' },
      },
    },
    'fields.ended_at.after',
    'started_at → ended_at → started_at',
    /no circle/,
  ],
  [
    'skew',
    withField('ended_at', { column: 's', after: 'started_at', skew_seconds: -1 }),
    'fields.ended_at.skew_seconds',
    '-1',
    /seconds from 0/,
  ],
  ['when', withField('queue', { column: 'q', when: 'x' }), 'fields.queue.when', 'x', /an object/],
  ['match', withField('queue', { column: 'q', match: {} }), 'fields.queue.match', '{}', /a list/],
  [
    'expression',
    withField('queue', { column: 'q', match: [['(', 'x']] }),
    'fields.queue.match[0][0]',
    '(',
    /a regular expression/,
  ],
  [
    'value of match',
    withField('disposition', { column: 'q', match: [['', 'won']] }),
    'fields.disposition.match[0][1]',
    'won',
    /one of answered, abandoned/,
  ],
  ['row_number', withField('queue', { row_number: 1 }), 'fields.queue.row_number', '1', /true/],
  [
    'latest of text',
    withField('queue', { latest: ['a'] }),
    'fields.queue.latest',
    '["a"]',
    /only for instants/,
  ],
  [
    'no zone',
    { fields: { ...FIELDS, started_at: { column: 's', format: 'yyyy-MM-dd HH:mm' } } },
    'zone',
    'nothing',
    /an IANA zone.*fields.started_at says no offset/,
  ],
];

describe('a map', () => {
  for (const [title, map, where, got, expected] of WRONG) {
    it(`with a wrong ${title} is refused with where, what came and what is expected`, () => {
      let thrown: unknown;
      try {
        parseLoadMap(map, datasetOf('calls'));
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(DaybookError);
      const { code, details } = thrown as DaybookError;
      expect({ code, where: details['where'], got: details['got'] }).toEqual({
        code: 'E_MAP',
        where,
        got,
      });
      expect(details['expected']).toMatch(expected);
    });
  }

  it('of the docs is accepted, each of them', async () => {
    for (const name of ['anonymousbank-calls', 'asterisk-cdr', 'freeswitch-cdr']) {
      expect(parseLoadMap(await docsMap(name), datasetOf('calls')).fields?.size).toBeGreaterThan(5);
    }
    const retail = parseLoadMap(await docsMap('online-retail'), datasetOf('order_lines'));
    expect(retail.zone).toBe('Europe/London');
  });
});
