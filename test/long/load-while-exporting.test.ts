import { expect, it } from 'vitest';
import { interleave } from '../faults/support/interleave.ts';

const ROUNDS = process.env.DAYBOOK_LONG === 'short' ? 40 : 1_000;

it(`exports during loads of their day each show exactly one load, in ${ROUNDS} interleavings`, async () => {
  const { exports, caught } = await interleave(ROUNDS);
  console.log(`${exports} exports, ${caught} of them saw a load that came while they were made`);
  expect(exports).toBeGreaterThan(ROUNDS);
  expect(caught).toBeGreaterThan(ROUNDS / 10);
});
