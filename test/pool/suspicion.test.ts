import { describe, expect, it } from 'vitest';
import {
  afterEnd,
  type DayEnd,
  isGuilty,
  isSuspected,
  UNSUSPECTED,
} from '../../src/pool/suspicion.ts';

const having = (...ends: DayEnd[]) => ends.reduce(afterEnd, UNSUSPECTED);
const times = (count: number, end: DayEnd) => new Array<DayEnd>(count).fill(end);

describe('a day whose thread or process ended under it', () => {
  it('is suspected after one crash, guilty after two', () => {
    expect([isSuspected(having('crashed')), isGuilty(having('crashed'))]).toEqual([true, false]);
    expect(isGuilty(having('crashed', 'crashed'))).toBe(true);
  });

  it('needs no process of its own when it hung, and is guilty when it hung twice', () => {
    expect([isSuspected(having('hung')), isGuilty(having('hung'))]).toEqual([false, false]);
    expect(isGuilty(having('hung', 'hung'))).toBe(true);
    expect(isGuilty(having('hung', 'crashed'))).toBe(true);
  });

  it('is free of suspicion after one kill from outside, and guilty only after many', () => {
    expect(isSuspected(having('killed'))).toBe(false);
    expect(isSuspected(having('killed', 'killed'))).toBe(true);
    expect(isGuilty(having(...times(19, 'killed')))).toBe(false);
    expect(isGuilty(having(...times(20, 'killed')))).toBe(true);
  });

  it('is not made guilty by kills that surround one crash', () => {
    const surrounded = [...times(9, 'killed'), 'crashed' as const, ...times(9, 'killed')];
    expect(isGuilty(having(...surrounded))).toBe(false);
  });
});
