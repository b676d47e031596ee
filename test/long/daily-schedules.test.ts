import { expect, test } from 'vitest';
import { wrongDates } from '../reports/support/daily-dates.ts';

test('a daily schedule at 02:30 and one at 00:00 have each existing date of 2010 to 2030 once, in every zone', () => {
  const wrong: string[] = [];
  const period = { from: '2010-01-01', to: '2030-12-31' };
  const zones = Intl.supportedValuesOf('timeZone');
  let dates = 0;
  for (const zone of zones) dates += wrongDates(zone, period, ['02:30', '00:00'], wrong);
  expect(wrong).toEqual([]);
  // 7,670 dates; Apia and Fakaofo crossed the date line in 2011.
  expect(dates).toBe(zones.length * 7_670 - 2);
});
