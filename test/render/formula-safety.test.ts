import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { neutralised } from '../../src/reports/render/formula-safety.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { PAYLOADS, PREFIXES, TRIGGERS } from './support/payloads.ts';
import { column, fileOf } from './support/sample.ts';

const HARMLESS = [
  '+4930123456',
  '+49 30 123-456',
  '+1 (555) 010.99/3',
  '-12.50',
  '-12,50',
  '-1.234.567,89',
  '-1 234',
  '0049 30',
  'plain',
  'a=b',
  'a-b',
  'user@example.org',
  'C-1000',
  '10%',
  '~',
  "O'Brien",
  '"quoted"',
  'Ä=',
  '…=1',
  '中文=1',
  '',
];

describe('formula safety', () => {
  test('715 combinations of prefix, trigger and body get an apostrophe', () => {
    expect(PAYLOADS).toHaveLength(715);
    for (const payload of PAYLOADS) {
      expect([payload, neutralised(payload)]).toEqual([payload, `'${payload}`]);
    }
  });

  test.skipIf(!hasSharedData)(
    'all published payloads, bare and behind every trigger, do not begin a formula',
    () => {
      const { leadingTriggers, payloads } = JSON.parse(
        readFileSync(sharedData('csv/formula-payloads.json'), 'utf8'),
      ) as { leadingTriggers: string[]; payloads: string[] };
      for (const payload of payloads) {
        const text = neutralised(payload);
        expect(leadingTriggers.some((trigger) => text.startsWith(trigger))).toBe(false);
        for (const trigger of leadingTriggers) {
          expect(neutralised(trigger + payload)).toBe(`'${trigger}${payload}`);
        }
      }
    },
  );

  test.each(HARMLESS)('%j survives unchanged', (text) => {
    expect(neutralised(text)).toBe(text);
  });

  test('taking one apostrophe away from what is armed without it gives every text back', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 10 }),
      fc.string({
        unit: fc.constantFrom(...TRIGGERS, ...PREFIXES.filter(Boolean), '1', 'a'),
        maxLength: 6,
      }),
    );
    fc.assert(
      fc.property(text, (original) => {
        const shown = neutralised(original);
        const without = shown.slice(1);
        const back = shown.startsWith("'") && neutralised(without) !== without ? without : shown;
        expect(back).toBe(original);
      }),
      { numRuns: 5_000 },
    );
  });

  test('numbers and dates are never touched, headers are', async () => {
    const file = await fileOf({
      columns: [
        column('n', 'integer', { header: '=n' }),
        column('d', 'decimal'),
        column('t', 'text', { header: '+4930' }),
      ],
      batches: [[[-5, '-12.50', '-12.50']]],
      format: 'csv',
    });
    expect(file.toString()).toBe("'=n,d,+4930\r\n-5,-12.50,-12.50\r\n");
  });
});
