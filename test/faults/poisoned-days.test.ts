import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPoisonedUp, type PoisonedUp } from './support/poisoned-up.ts';

/** Days that take all memory there is, in the ways that a thread's limits do and do not see. */

let rig: PoisonedUp;
beforeAll(async () => {
  rig = await openPoisonedUp(['--compute', '1', '--threads', '3']);
});
afterAll(() => rig.close());

const apis = () => rig.children().flatMap(({ pid, role }) => (role === 'compute' ? [] : [pid]));

describe('a day that takes all memory', () => {
  it.each(['push', 'buffers'] as const)(
    'in the shape of %s fails its own run, and no process that talks to people',
    async (shape) => {
      const before = apis();
      const probe = rig.probe();
      const run = rig.ended(await rig.poison(shape));
      const beside = await rig.exported(`${shape}.csv`);
      expect(await run).toMatchObject({
        state: 'failed',
        error_code: 'E_RESOURCE_EXHAUSTED',
        error_message: expect.stringMatching(/used up a compute process 2 times/),
      });
      expect(beside.equals(rig.right)).toBe(true);
      expect(await probe.stop()).toEqual([]);
      expect(apis()).toEqual(before);
    },
    180_000,
  );
});
