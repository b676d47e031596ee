import { expect, it } from 'vitest';
import { interleave } from '../faults/support/interleave.ts';

/** Each round has three to eight loads and exports of one day, in ways of chance. */
const [ROUNDS, EXPORTS] = process.env.DAYBOOK_LONG === 'short' ? [40, 100] : [320, 1_000];

it(`more than ${EXPORTS} exports during loads of their day each show exactly one load`, async () => {
  const { exports, caught } = await interleave(ROUNDS);
  console.log(`${exports} exports, ${caught} of them saw a load that came while they were made`);
  expect(exports).toBeGreaterThan(EXPORTS);
  expect(caught).toBeGreaterThan(EXPORTS / 10);
});
