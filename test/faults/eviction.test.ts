import { expect, it } from 'vitest';
import { evictWhileExporting } from './support/evictions.ts';

it('exports beside an eviction that never rests have the right bytes and never miss a part', async () => {
  const result = await evictWhileExporting(4);
  expect(result).toMatchObject({ exports: 32, servedWrong: 0, missed: 0, unpaired: [] });
  expect(result.evicted).toBeGreaterThan(50);
  expect(result.bytesLeft).toBeLessThanOrEqual(result.boundBytes);
});
