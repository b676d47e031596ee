import { describe, expect, test } from 'vitest';
import { parseDate, parsePeriod } from '../../src/time/period.ts';

describe('a date', () => {
  test.each(['2024-02-29', '0001-01-01', '9999-12-31', '1900-02-28'])('%s is one', (text) => {
    expect(parseDate(text, 'from')).toBe(text);
  });

  test.each([
    '',
    '2024-02-30',
    '2023-02-29',
    '1900-02-29',
    '2024-13-01',
    '2024-00-10',
    '2024-01-00',
    '0000-01-01',
    '2024-1-1',
    '20240101',
    '2024-01-01T00:00',
    ' 2024-01-01',
    '2024-01-01\n',
    '٢٠٢٤-٠١-٠١',
    '-001-01-01',
    'yesterday',
  ])('%j is none, and the error says where and what came', (text) => {
    expect(() => parseDate(text, 'from')).toThrow(
      expect.objectContaining({
        code: 'E_DATE',
        details: { where: 'from', got: JSON.stringify(text) },
      }),
    );
  });
});

describe('a period', () => {
  test('of one day, and of the ten years with most leap days, is taken', () => {
    expect(parsePeriod('2024-02-29', '2024-02-29')).toEqual({
      from: '2024-02-29',
      to: '2024-02-29',
    });
    expect(parsePeriod('2008-01-01', '2017-12-31').to).toBe('2017-12-31');
  });

  test.each([
    ['2024-01-02', '2024-01-01', 'to: got 2024-01-01; expected 2024-01-02 or later'],
    ['2008-01-01', '2018-01-01', 'got 3654 days; expected at most 10 years'],
    ['0001-01-01', '9999-12-31', 'expected at most 10 years'],
  ])('from %s to %s is refused: %s', (from, to, message) => {
    expect(() => parsePeriod(from, to)).toThrow(
      expect.objectContaining({ code: 'E_PERIOD', message: expect.stringContaining(message) }),
    );
  });

  test('the end that is no date is named', () => {
    expect(() => parsePeriod('2024-01-01', 'x')).toThrow('to: "x" is not a date');
    expect(() => parsePeriod('x', '2024-01-01')).toThrow('from: "x" is not a date');
  });
});
