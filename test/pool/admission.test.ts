import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DaybookError } from '../../src/errors.ts';
import {
  type Backlog,
  backlogOf,
  demandRoom,
  FEW_RUNS,
  MOST_RUNS,
  MOST_RUNS_AT_ALL,
  MOST_RUNS_OF_TENANT,
  PATIENCE_SECONDS,
} from '../../src/pool/admission.ts';

const EMPTY: Backlog = { waitingSeconds: 0, secondsPerDay: 0, queuedRuns: 0, queuedDays: 0 };
const refusal = (own: number, backlog: Partial<Backlog> = {}): DaybookError | null => {
  try {
    demandRoom(own, { ...EMPTY, ...backlog });
    return null;
  } catch (error) {
    return error as DaybookError;
  }
};
const anyBacklog = fc.record({
  waitingSeconds: fc.double({ min: 0, max: 1e7, noNaN: true }),
  secondsPerDay: fc.double({ min: 0, max: 100, noNaN: true }),
  queuedRuns: fc.nat(20_000),
  queuedDays: fc.nat(1_000_000),
});

describe('an interactive export', () => {
  it('is let in where nothing waits', () => {
    expect(refusal(0)).toBeNull();
  });

  it('is refused once its tenant has too many queued, whatever others do', () => {
    expect(refusal(MOST_RUNS_OF_TENANT - 1)).toBeNull();
    expect(refusal(MOST_RUNS_OF_TENANT)).toMatchObject({ code: 'E_BUSY', status: 503 });
  });

  it('is refused to who has a part in a backlog that cannot be met, and to nobody else', () => {
    const byThreads = { waitingSeconds: PATIENCE_SECONDS + 1 };
    const byDays = { queuedDays: 1_000, secondsPerDay: (PATIENCE_SECONDS + 1) / 1_000 };
    for (const backlog of [byThreads, byDays, { queuedRuns: MOST_RUNS }]) {
      expect(refusal(FEW_RUNS, backlog)?.code).toBe('E_BUSY');
      expect(refusal(FEW_RUNS - 1, backlog)).toBeNull();
    }
    expect(refusal(FEW_RUNS, { waitingSeconds: PATIENCE_SECONDS })).toBeNull();
  });

  it('is refused to all when there are more runs than anybody could look through', () => {
    expect(refusal(0, { queuedRuns: MOST_RUNS_AT_ALL })?.code).toBe('E_BUSY');
  });

  it('is refused with whole seconds from 5 to 300, and never to a tenant with fewer where one with more is let in', () => {
    fc.assert(
      fc.property(fc.nat(200), anyBacklog, fc.nat(200), (own, backlog, less) => {
        const error = refusal(own, backlog);
        if (error === null) {
          expect(refusal(Math.min(own, less), backlog)).toBeNull();
          return;
        }
        const seconds = error.details.retryAfterSeconds as number;
        expect(Number.isInteger(seconds)).toBe(true);
        expect(seconds).toBeGreaterThanOrEqual(5);
        expect(seconds).toBeLessThanOrEqual(300);
      }),
    );
  });
});

describe('the backlog', () => {
  it('is told by what days took lately, shared by the threads', () => {
    const load = { threads: 4, interactiveRows: 1_000_000, msPerRow: 0.01, msPerDay: 200 };
    expect(backlogOf(load, { queuedRuns: 3, queuedDays: 90 })).toEqual({
      waitingSeconds: 2.5,
      secondsPerDay: 0.05,
      queuedRuns: 3,
      queuedDays: 90,
    });
  });

  it('takes no time as long as no day was made', () => {
    const load = { threads: 0, interactiveRows: 1_000_000, msPerRow: null, msPerDay: null };
    expect(backlogOf(load, EMPTY)).toEqual(EMPTY);
  });
});
