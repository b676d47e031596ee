import { describe, expect, it } from 'vitest';
import { watchDay } from '../../src/pool/day-watch.ts';

const limits = { silentLooks: 3, stillLooks: 5, looks: 50 };

/** Looks as often as there are pulses; the look that ended the day, and why. */
function firstVerdict(pulses: Iterable<{ turns: number; steps: number }>) {
  const watch = watchDay(limits);
  let looks = 0;
  for (const pulse of pulses) {
    looks += 1;
    const reason = watch.look({ ...pulse, heldBytes: 0 });
    if (reason !== null) return { looks, reason };
  }
  return null;
}
const pulses = (count: number, at: (look: number) => { turns: number; steps: number }) =>
  Array.from({ length: count }, (_, look) => at(look));

describe('the watch over a day', () => {
  it('ends one whose event loop stands still', () => {
    expect(firstVerdict(pulses(9, () => ({ turns: 7, steps: 1 })))).toEqual({
      looks: 4,
      reason: 'its thread stood still for 3 s',
    });
  });

  it('gives one whose thread is still starting as long as one that comes no further', () => {
    expect(firstVerdict(pulses(9, () => ({ turns: 0, steps: 0 })))).toMatchObject({ looks: 6 });
  });

  it('ends one that turns and turns but comes no further', () => {
    expect(firstVerdict(pulses(9, (look) => ({ turns: look, steps: 1 })))).toEqual({
      looks: 6,
      reason: 'it came no further for 5 s',
    });
  });

  it('ends one that goes on and on', () => {
    expect(firstVerdict(pulses(99, (look) => ({ turns: look, steps: look })))).toEqual({
      looks: 50,
      reason: 'it was not done in 50 s',
    });
  });

  it('lets one go on that is slow: a turn in two looks, a step in four', () => {
    const slow = (look: number) => ({ turns: look >> 1, steps: look >> 2 });
    expect(firstVerdict(pulses(49, slow))).toBeNull();
  });

  it('lets one go on whose counters wrap around', () => {
    const near = 2 ** 31 - 3;
    const wrapped = (look: number) => ({ turns: (near + look) | 0, steps: (near + look) | 0 });
    expect(firstVerdict(pulses(20, wrapped))).toBeNull();
  });
});
