import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Balancer,
  type ComputeLoad,
  createBalancer,
  PATIENCE_MS,
  type WaitingDay,
} from '../../src/pool/balancer.ts';
import { magnitudeOf } from '../../src/pool/balancer-queue.ts';
import { costOf } from '../../src/pool/balancer-share.ts';
import { createNaiveBalancer } from './naive-balancer.ts';

const day = (over: Partial<WaitingDay> & { id: string }): WaitingDay => ({
  tenantId: 'a',
  runId: 'a1',
  workClass: 'interactive',
  expectedRows: 1,
  suspected: false,
  ...over,
});
const ONE: ComputeLoad[] = [{ id: 1, threads: 1, inFlight: 0, quarantined: false }];
const CLASSES = ['interactive', 'scheduled', 'precache'] as const;

const anyDay = fc.record({
  tenantId: fc.constantFrom('a', 'b', 'c'),
  runId: fc.constantFrom('1', '2', '3'),
  workClass: fc.constantFrom(...CLASSES),
  expectedRows: fc.oneof(fc.nat(20), fc.nat(1_000_000)),
  suspected: fc.constant(false),
});
const manyDays = (most: number) =>
  fc
    .array(anyDay, { minLength: 1, maxLength: most })
    .map((days) => days.map((each, index) => ({ ...each, id: `d${index}` })));
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

function startNext(balancer: Balancer, now = 0): WaitingDay {
  return balancer.startNext(ONE, now)?.day as WaitingDay;
}

/** Starts and ends day after day, on one thread, until none waits. */
function drain(balancer: Balancer): WaitingDay[] {
  const started: WaitingDay[] = [];
  while (balancer.waiting > 0) {
    const next = startNext(balancer);
    balancer.end(next.id);
    started.push(next);
  }
  return started;
}

describe('the balancer', () => {
  it('never lets a day wait while a thread is idle, and never overfills a process', () => {
    fc.assert(
      fc.property(manyDays(20), anyLoads, (waiting, computes) => {
        const balancer = createBalancer();
        for (const each of waiting) balancer.add(each, 0);
        const next = balancer.startNext(computes, 60_000);
        expect(next !== null).toBe(computes.some((each) => each.inFlight < each.threads));
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

  it('chooses as a search through all that wait would, step by step', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: anyDay.map((what) => ({ kind: 'add' as const, what })) },
      { weight: 3, arbitrary: fc.constant({ kind: 'start' as const }) },
      { weight: 2, arbitrary: fc.nat(100).map((which) => ({ kind: 'end' as const, which })) },
      { weight: 1, arbitrary: fc.nat(100).map((which) => ({ kind: 'remove' as const, which })) },
      { weight: 1, arbitrary: fc.nat(PATIENCE_MS).map((ms) => ({ kind: 'pass' as const, ms })) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 120 }), (steps) => {
        const balancer = createBalancer();
        const naive = createNaiveBalancer();
        const waiting: WaitingDay[] = [];
        const running: WaitingDay[] = [];
        let now = 0;
        for (const [index, each] of steps.entries()) {
          if (each.kind === 'pass') now += each.ms;
          else if (each.kind === 'add') {
            const added = { ...each.what, id: `d${index}` };
            balancer.add(added, now);
            naive.add(added, now);
            waiting.push(added);
          } else if (each.kind === 'start') {
            const expected = naive.startNext(now);
            expect(balancer.startNext(ONE, now)?.day.id).toBe(expected?.id);
            if (expected === null) continue;
            waiting.splice(waiting.indexOf(expected), 1);
            running.push(expected);
          } else {
            const from = each.kind === 'end' ? running : waiting;
            if (from.length === 0) continue;
            const [gone] = from.splice(each.which % from.length, 1);
            if (each.kind === 'end') balancer.end(gone.id);
            else balancer.remove(gone.id);
            naive[each.kind](gone);
          }
          expect(balancer.waiting).toBe(waiting.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('takes much longer days of a run first, and the others in the order in which they came', () => {
    fc.assert(
      fc.property(manyDays(40), (days) => {
        const balancer = createBalancer();
        for (const each of days) balancer.add(each, 0);
        const started = drain(balancer);
        for (const { workClass, tenantId, runId } of days) {
          const isOfRun = (d: WaitingDay) =>
            d.workClass === workClass && d.tenantId === tenantId && d.runId === runId;
          const inOrder = days
            .filter(isOfRun)
            .toSorted((a, b) => magnitudeOf(b.expectedRows) - magnitudeOf(a.expectedRows));
          expect(started.filter(isOfRun)).toEqual(inOrder);
        }
      }),
    );
  });

  it('forgets exactly the day that is taken back, and starts every other one once', () => {
    fc.assert(
      fc.property(manyDays(30), fc.nat(29), fc.nat(29), (days, which, before) => {
        const balancer = createBalancer();
        for (const each of days) balancer.add(each, 0);
        const started: WaitingDay[] = [];
        for (let i = 0; i < before % days.length; i++) started.push(startNext(balancer));
        const gone = days[which % days.length];
        const waits = !started.some((each) => each.id === gone.id);
        expect(balancer.remove(gone.id)).toBe(waits);
        expect(balancer.remove(gone.id)).toBe(false);
        started.push(...drain(balancer));
        const expected = days.filter((each) => !waits || each.id !== gone.id);
        expect(started.map((each) => each.id).sort()).toEqual(expected.map((d) => d.id).sort());
      }),
    );
  });
});

describe('tenants of a class', () => {
  it('that come anew have the next start, whatever waits and runs of others', () => {
    const large = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 8, maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(large, { minLength: 1, maxLength: 4 }),
        // Fewer than days, so that something was started before.
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        (tenants, threads, rows) => {
          const balancer = createBalancer();
          for (const [t, sizes] of tenants.entries()) {
            for (const [d, expectedRows] of sizes.entries()) {
              const tenantId = `large${t}`;
              balancer.add(day({ id: `${t}-${d}`, tenantId, runId: tenantId, expectedRows }), 0);
            }
          }
          const running: WaitingDay[] = [];
          while (balancer.waiting > threads) {
            running.push(startNext(balancer));
            if (running.length > threads) balancer.end((running.shift() as WaitingDay).id);
          }
          const small = { tenantId: 'small', runId: 's', expectedRows: rows };
          balancer.add(day({ id: 'small', ...small }), 0);
          expect(startNext(balancer).id).toBe('small');
        },
      ),
    );
  });

  it('that come anew go before one that has waited as long as it was given as little', () => {
    const balancer = createBalancer();
    for (const tenantId of ['a', 'b']) {
      for (let i = 0; i < 3; i++) {
        balancer.add(day({ id: `${tenantId}${i}`, tenantId, runId: tenantId }), 0);
      }
    }
    for (const id of ['a0', 'b0', 'a1']) {
      expect(startNext(balancer).id).toBe(id);
      balancer.end(id);
    }
    balancer.add(day({ id: 'new', tenantId: 'c', runId: 'c' }), 0);
    expect(startNext(balancer).id).toBe('new');
  });

  it('get the same rows, whether their days are huge or tiny', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 4 }),
        (rowsOfA, rowsOfB, threads) => {
          const balancer = createBalancer();
          const given = { a: 0, b: 0 };
          const rowsOf = { a: rowsOfA, b: rowsOfB };
          for (const tenantId of ['a', 'b'] as const) {
            for (let i = 0; i < 200; i++) {
              const expectedRows = rowsOf[tenantId];
              balancer.add(
                day({ id: `${tenantId}${i}`, tenantId, runId: tenantId, expectedRows }),
                0,
              );
            }
          }
          const running: WaitingDay[] = [];
          for (let i = 0; i < 200; i++) {
            const next = startNext(balancer);
            given[next.tenantId as 'a' | 'b'] += costOf(next);
            running.push(next);
            if (running.length === threads) balancer.end((running.shift() as WaitingDay).id);
          }
          const longest = Math.max(
            costOf({ expectedRows: rowsOfA }),
            costOf({ expectedRows: rowsOfB }),
          );
          expect(Math.abs(given.a - given.b)).toBeLessThanOrEqual(longest);
        },
      ),
    );
  });

  it('are not paid for the time in which they wanted nothing', () => {
    const balancer = createBalancer();
    const add = (tenantId: string, from: number, to: number) => {
      for (let i = from; i < to; i++) {
        balancer.add(day({ id: `${tenantId}${i}`, tenantId, runId: tenantId }), 0);
      }
    };
    const startAndEnd = () => {
      const next = startNext(balancer);
      balancer.end(next.id);
      return next.tenantId;
    };
    add('a', 0, 200);
    add('b', 0, 1);
    for (let i = 0; i < 100; i++) startAndEnd();
    add('b', 1, 50);
    const tenants = Array.from({ length: 40 }, startAndEnd);
    expect(tenants.filter((each) => each === 'b')).toHaveLength(20);
  });

  it('do not gain by asking for one day at a time', () => {
    const balancer = createBalancer();
    for (let i = 0; i < 200; i++) balancer.add(day({ id: `a${i}`, expectedRows: 1_000 }), 0);
    const given = { a: 0, b: 0 };
    let asked = 0;
    const ask = () => {
      const b = { tenantId: 'b', runId: `b${asked}`, expectedRows: 19_000 };
      balancer.add(day({ id: `b${asked++}`, ...b }), 0);
    };
    ask();
    for (let i = 0; i < 100; i++) {
      const next = startNext(balancer);
      balancer.end(next.id);
      given[next.tenantId as 'a' | 'b'] += costOf(next);
      if (next.tenantId === 'b') ask();
    }
    expect(Math.abs(given.a - given.b)).toBeLessThanOrEqual(20_000);
  });
});

describe('classes', () => {
  it('start interactive days first, and share 16 to 4 to 1 while all of them wait', () => {
    const balancer = createBalancer();
    for (const workClass of CLASSES.toReversed()) {
      for (let i = 0; i < 100; i++) {
        balancer.add(day({ id: `${workClass}${i}`, workClass, runId: workClass }), 0);
      }
    }
    const started: WaitingDay[] = [];
    for (let i = 0; i < 84; i++) {
      started.push(startNext(balancer));
      balancer.end(started[i].id);
    }
    expect(started[0].workClass).toBe('interactive');
    const counts = CLASSES.map((name) => started.filter((d) => d.workClass === name).length);
    expect(counts).toEqual([64, 16, 4]);
  });

  it('do not starve, though newcomers of every class and tenant come as fast as days end', () => {
    const STEP_MS = 1_000;
    const victim = fc.record({
      workClass: fc.constantFrom(...CLASSES),
      tenantId: fc.constantFrom('old', 'busy'),
      expectedRows: fc.constantFrom(1, 10_000_000),
    });
    const comers = fc.array(
      fc.record({
        workClass: fc.constantFrom(...CLASSES),
        tenantId: fc.constantFrom('busy', 'new'),
        expectedRows: fc.nat(1_000),
      }),
      { minLength: 1, maxLength: 10 },
    );
    fc.assert(
      fc.property(victim, comers, (of, pattern) => {
        const balancer = createBalancer();
        let now = 0;
        let coming = 0;
        // In runs of their own; some tenants never came before.
        const come = () => {
          const next = pattern[coming % pattern.length];
          const tenantId = next.tenantId === 'new' ? `new${coming}` : next.tenantId;
          const own = { id: `c${coming}`, runId: `c${coming}`, tenantId };
          coming += 1;
          balancer.add(day({ ...next, ...own }), now);
        };
        for (let i = 0; i < 5; i++) come();
        for (let i = 0; i < 5; i++) balancer.end(startNext(balancer).id);
        balancer.add(day({ id: 'first', runId: 'old', ...of }), now);
        balancer.add(day({ id: 'victim', runId: 'old', ...of, expectedRows: 0 }), now);
        const seen: string[] = [];
        for (let starts = 0; starts < 400 && !seen.includes('victim'); starts++) {
          come();
          const next = startNext(balancer, now);
          seen.push(next.id);
          balancer.end(next.id);
          now += STEP_MS;
        }
        expect(seen).toContain('victim');
      }),
    );
  });
});

describe('a suspected day', () => {
  const loads = (...inFlight: number[]): ComputeLoad[] =>
    inFlight.map((count, id) => ({ id, threads: 4, inFlight: count, quarantined: false }));
  const withSuspect = () => {
    const balancer = createBalancer();
    balancer.add(day({ id: 'suspect', suspected: true }), 0);
    balancer.add(day({ id: 'other', runId: 'a2' }), 0);
    return balancer;
  };

  it('gets a process of its own', () => {
    expect(withSuspect().startNext(loads(2, 0), 0)).toMatchObject({
      day: { id: 'suspect' },
      computeId: 1,
    });
  });

  it('has the least busy process kept free for it, while the others go on', () => {
    expect(withSuspect().startNext(loads(2, 1), 0)).toMatchObject({
      day: { id: 'other' },
      computeId: 0,
    });
    expect(withSuspect().startNext(loads(1), 0)).toBeNull();
  });

  it('leaves the other processes to the others while one is under quarantine', () => {
    const quarantine: ComputeLoad[] = [
      { id: 0, threads: 4, inFlight: 1, quarantined: true },
      { id: 1, threads: 4, inFlight: 0, quarantined: false },
    ];
    expect(withSuspect().startNext(quarantine, 0)).toMatchObject({
      day: { id: 'other' },
      computeId: 1,
    });
  });

  it('goes to the ward and nowhere else where there is one, and keeps nobody waiting', () => {
    const ward = { id: 9, threads: 1, inFlight: 0, quarantined: false, isWard: true };
    expect(withSuspect().startNext([...loads(0), ward], 0)).toMatchObject({
      day: { id: 'suspect' },
      computeId: 9,
    });
    const balancer = withSuspect();
    const taken = [...loads(3, 3), { ...ward, inFlight: 1, quarantined: true }];
    expect(balancer.startNext(taken, 0)).toMatchObject({ day: { id: 'other' } });
    expect(balancer.startNext([...loads(0), taken[2]], 0)).toBeNull();
    expect(balancer.waiting).toBe(1);
  });

  it('is all that ever runs in a ward', () => {
    const balancer = createBalancer();
    balancer.add(day({ id: 'other' }), 0);
    const ward = { id: 9, threads: 1, inFlight: 0, quarantined: false, isWard: true };
    expect(balancer.startNext([...loads(4), ward], 0)).toBeNull();
  });
});
