import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DAY_MS, dateOf, dayNumberOf } from '../../src/time/day-number.ts';

it('every date of the years 1 to 9999 is written as ISO 8601 has it, and read back', () => {
  const anyDay = fc.integer({ min: dayNumberOf('0001-01-01'), max: dayNumberOf('9999-12-31') });
  fc.assert(
    fc.property(anyDay, (day) => {
      expect(dateOf(day)).toBe(new Date(day * DAY_MS).toISOString().slice(0, 10));
      expect(dayNumberOf(dateOf(day))).toBe(day);
    }),
    { examples: [[dayNumberOf('0999-12-31')], [dayNumberOf('1000-01-01')]] },
  );
});
