import { expect, it } from 'vitest';
import { flipBytes } from '../faults/support/flips.ts';

const FLIPS = process.env.DAYBOOK_LONG === 'short' ? 60 : 500;

it(`of ${FLIPS} bytes changed in parts, all are found and none is served`, async () => {
  const { flips, foundByExport, foundByVerify, servedWrong } = await flipBytes(FLIPS, 11);
  expect(flips).toBe(FLIPS);
  expect(servedWrong).toBe(0);
  expect(foundByExport + foundByVerify).toBe(FLIPS);
});
