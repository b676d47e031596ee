import { expect, it } from 'vitest';
import { evictWhileExporting } from '../faults/support/evictions.ts';

const ROUNDS = process.env.DAYBOOK_LONG === 'short' ? 8 : 60;

it('hundreds of exports beside an eviction that never rests never miss a part', async () => {
  const result = await evictWhileExporting(ROUNDS);
  expect(result).toMatchObject({ servedWrong: 0, missed: 0, unpaired: [] });
  expect(result.evicted).toBeGreaterThan(ROUNDS * 10);
  expect(result.bytesLeft).toBeLessThanOrEqual(result.boundBytes);
});
