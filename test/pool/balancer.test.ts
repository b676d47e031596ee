import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AGEING_MS,
  type ComputeLoad,
  chooseNext,
  type WaitingDay,
} from '../../src/pool/balancer.ts';

const day = (over: Partial<WaitingDay> & { id: string }): WaitingDay => ({
  tenantId: 'a',
  runId: 'a1',
  workClass: 'interactive',
  expectedRows: 1,
  waitingSince: 0,
  suspected: false,
  ...over,
});
const one: ComputeLoad[] = [{ id: 1, threads: 1, inFlight: 0, quarantined: false }];

const anyDay = fc.record({
  id: fc.uuid(),
  tenantId: fc.constantFrom('a', 'b', 'c'),
  runId: fc.constantFrom('1', '2', '3'),
  workClass: fc.constantFrom('interactive' as const, 'scheduled' as const, 'precache' as const),
  expectedRows: fc.nat(1_000_000),
  waitingSince: fc.nat(60_000),
  suspected: fc.constant(false),
});
const anyLoads = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 8 }), fc.nat(8)), { maxLength: 5 })
  .map((loads) =>
    loads.map(([threads, busy], id) => ({
      id,
      threads,
      inFlight: Math.min(busy, threads),
      quarantined: false,
    })),
  );

describe('the balancer', () => {
  it('never lets a day wait while a thread is idle, and never overfills a process', () => {
    fc.assert(
      fc.property(fc.array(anyDay, { maxLength: 20 }), anyLoads, (waiting, computes) => {
        const next = chooseNext(waiting, [], computes, 60_000);
        const idle = computes.some((compute) => compute.inFlight < compute.threads);
        expect(next !== null).toBe(idle && waiting.length > 0);
        if (next === null) return;
        const chosen = computes[next.computeId];
        expect(chosen.inFlight).toBeLessThan(chosen.threads);
        for (const other of computes) {
          expect(chosen.threads - chosen.inFlight).toBeGreaterThanOrEqual(
            other.threads - other.inFlight,
          );
        }
      }),
    );
  });

  it('serves the tenant with nothing in flight before one that has a day running', () => {
    const waiting = [
      day({ id: 'big', expectedRows: 9, waitingSince: 0 }),
      day({ id: 'small', tenantId: 'b', runId: 'b1', waitingSince: 5 }),
    ];
    const next = chooseNext(waiting, [{ tenantId: 'a', runId: 'a1' }], one, 10);
    expect(next?.day.id).toBe('small');
  });

  it('takes the day with the most rows of a run first', () => {
    const waiting = [1, 7, 3].map((rows) => day({ id: `d${rows}`, expectedRows: rows }));
    expect(chooseNext(waiting, [], one, 0)?.day.id).toBe('d7');
  });

  it('prefers interactive days, until a scheduled one has aged', () => {
    const waiting = [
      day({ id: 'old', workClass: 'scheduled', runId: 's', waitingSince: 0 }),
      day({ id: 'new', waitingSince: AGEING_MS - 1 }),
    ];
    expect(chooseNext(waiting, [], one, AGEING_MS - 1)?.day.id).toBe('new');
    expect(chooseNext(waiting, [], one, AGEING_MS)?.day.id).toBe('old');
  });

  it('gives a suspected day a process of its own, and keeps the least busy one free for it', () => {
    const waiting = [day({ id: 'suspect', suspected: true }), day({ id: 'other', runId: 'a2' })];
    const loads = (...inFlight: number[]): ComputeLoad[] =>
      inFlight.map((count, id) => ({ id, threads: 4, inFlight: count, quarantined: false }));
    expect(chooseNext(waiting, [], loads(2, 0), 0)).toMatchObject({
      day: { id: 'suspect' },
      computeId: 1,
    });
    expect(chooseNext(waiting, [], loads(2, 1), 0)).toMatchObject({
      day: { id: 'other' },
      computeId: 0,
    });
    expect(chooseNext(waiting, [], loads(1), 0)).toBeNull();
    const quarantine: ComputeLoad[] = [
      { id: 0, threads: 4, inFlight: 1, quarantined: true },
      { id: 1, threads: 4, inFlight: 0, quarantined: false },
    ];
    expect(chooseNext(waiting, [], quarantine, 0)).toMatchObject({
      day: { id: 'other' },
      computeId: 1,
    });
  });
});
