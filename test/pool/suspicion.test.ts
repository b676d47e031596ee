import { describe, expect, it } from 'vitest';
import { afterEnd, isGuilty, isSuspected, UNSUSPECTED } from '../../src/pool/suspicion.ts';

const having = (ends: readonly ('crash' | 'kill')[]) =>
  ends.reduce((suspicion, end) => afterEnd(suspicion, end === 'kill'), UNSUSPECTED);
const times = (count: number, end: 'crash' | 'kill') => new Array<typeof end>(count).fill(end);

describe('a day whose process ended under it', () => {
  it('is suspected after one crash, guilty after two', () => {
    expect([isSuspected(having(['crash'])), isGuilty(having(['crash']))]).toEqual([true, false]);
    expect(isGuilty(having(times(2, 'crash')))).toBe(true);
  });

  it('is free of suspicion after one kill from outside, and guilty only after many', () => {
    expect(isSuspected(having(['kill']))).toBe(false);
    expect(isSuspected(having(times(2, 'kill')))).toBe(true);
    expect(isGuilty(having(times(19, 'kill')))).toBe(false);
    expect(isGuilty(having(times(20, 'kill')))).toBe(true);
  });

  it('is not made guilty by kills that surround one crash', () => {
    expect(isGuilty(having([...times(9, 'kill'), 'crash', ...times(9, 'kill')]))).toBe(false);
  });
});
