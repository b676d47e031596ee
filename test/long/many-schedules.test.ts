import { expect, test } from 'vitest';
import { manySchedules, planAtOnce } from '../scheduler/stages/many-schedules.ts';
import { freshDatabase } from '../support/database.ts';

test('20 planners at once plan 10,000 schedules that are due in one minute within 5 s', async () => {
  const own = await freshDatabase();
  try {
    await manySchedules(own, 200, 50);
    const began = performance.now();
    expect(await planAtOnce(own, 20)).toBe(10_000);
    expect(performance.now() - began).toBeLessThan(5_000);
  } finally {
    await own.drop();
  }
});
