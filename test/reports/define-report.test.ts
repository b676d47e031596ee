import { expect, it } from 'vitest';
import { field, textIs } from '../../src/reports/day-rows.ts';
import { type ColumnSpec, defineReport } from '../../src/reports/define-report.ts';
import { labels } from '../../src/reports/field-labels.ts';
import { sum } from '../../src/reports/figures.ts';

const name = labels('a', 'b', 'c');
const good: Parameters<typeof defineReport>[0] = {
  name: 'queues',
  dataset: 'calls',
  shape: 'groups',
  labels: name,
  description: name,
  grains: ['day', 'period'],
  defaultGrain: 'day',
  groupBy: { day: ['queue'], period: ['queue'] },
  dimensions: [{ key: 'queue', type: 'text', labels: name, of: { field: 'queue' } }],
  measures: [
    { key: 'talk', of: 'numbers', merge: 'sum', values: field('talk_seconds') },
    { key: 'longest', of: 'numbers', merge: 'max', values: field('talk_seconds') },
    { key: 'answered', of: 'count', where: textIs('disposition', 'answered') },
  ],
  columns: [sum('talk', 'seconds', name)],
};
const column = (more: Partial<ColumnSpec>): ColumnSpec[] => [{ ...good.columns[0], ...more }];

it('a definition without fault is a report', () => {
  expect(defineReport(good).measures[0].key).toBe('rows');
});

it.each<[string, Partial<typeof good>, RegExp]>([
  ['a column twice', { columns: [...good.columns, ...good.columns] }, /columns has talk twice/],
  [
    'a measure called rows',
    { measures: [{ key: 'rows', of: 'count' }] },
    /measures has rows twice/,
  ],
  ['a label that is missing', { labels: { ...name, es: ' ' } }, /title has no label in es/],
  ['a default grain that is none', { defaultGrain: 'row' }, /default grain/],
  ['a grain without groups', { groupBy: { day: ['queue'] } }, /grain period has no groups/],
  ['groups by nothing known', { groupBy: { day: ['x'], period: [] } }, /groups by x/],
  ['a merge without measure', { columns: column({ key: 'x' }) }, /x merges but no measure/],
  ['another merge than the measure', { columns: column({ merge: 'max' }) }, /otherwise/],
  [
    'a ratio of what is no sum',
    { columns: column({ key: 'r', merge: { ratioOf: ['longest', 'answered'], scale: 2 } }) },
    /r is a ratio with longest/,
  ],
  ['a ratio by zero', { columns: column({ merge: { ratioOf: ['talk', 0], scale: 2 } }) }, /by 0/],
  ['a column that is nothing', { columns: column({ key: 'x', merge: 'none' }) }, /x is neither/],
  ['nothing shown', { columns: column({ shown: false }) }, /no column is shown/],
  ['money without a currency', { columns: column({ unit: 'money' }) }, /currency/],
  [
    'a default out of range',
    {
      params: [
        { name: 'p', labels: name, type: 'integer', unit: null, min: 1, max: 2, default: 3 },
      ],
    },
    /default of p/,
  ],
])('%s is refused', (_, change, message) => {
  expect(() => defineReport({ ...good, ...change })).toThrow(message);
});
