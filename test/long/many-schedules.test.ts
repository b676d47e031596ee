import { expect, test } from 'vitest';
import { manySchedules, planAtOnce } from '../scheduler/stages/many-schedules.ts';
import { freshDatabase } from '../support/database.ts';

test('20 planners at once plan 10,000 schedules that are due in one minute, once each', async () => {
  const own = await freshDatabase();
  try {
    await manySchedules(own, 200, 50);
    expect(await planAtOnce(own, 20)).toBe(10_000);
  } finally {
    await own.drop();
  }
});
