import { expect, it } from 'vitest';
import { flipBytes } from './support/flips.ts';

it('of 40 bytes changed in parts, 40 are found and none is served', async () => {
  const { flips, foundByExport, foundByVerify, servedWrong } = await flipBytes(40, 7);
  expect(flips).toBe(40);
  expect(servedWrong).toBe(0);
  expect(foundByExport + foundByVerify).toBe(40);
  // Both ways are tried.
  expect(Math.min(foundByExport, foundByVerify)).toBeGreaterThan(1);
}, 120_000);
