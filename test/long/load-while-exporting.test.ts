import { expect, it } from 'vitest';
import { interleave } from '../faults/support/interleave.ts';

it('hundreds of exports during loads of their day each show exactly one load', async () => {
  const { exports, caught } = await interleave(200);
  expect(exports).toBeGreaterThan(300);
  expect(caught).toBeGreaterThan(20);
});
