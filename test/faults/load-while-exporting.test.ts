import { expect, it } from 'vitest';
import { interleave } from './support/interleave.ts';

it('rows loaded while their day is exported are in a file all or not at all, and at last all', async () => {
  const { exports, caught } = await interleave(25);
  expect(exports).toBeGreaterThan(25);
  // Some of them really met.
  expect(caught).toBeGreaterThan(0);
});
