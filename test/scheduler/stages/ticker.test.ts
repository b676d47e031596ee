import { EventEmitter, once } from 'node:events';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runStage } from '../../../src/scheduler/stages/run-stage.ts';
import { startStageLoop } from '../../../src/scheduler/stages/stage-loop.ts';
import { startTicker } from '../../../src/scheduler/stages/ticker.ts';
import { endLeases } from '../../../src/store/leases.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const log = pino({ level: 'silent' });

describe('the ticker', () => {
  it('wakes each stage at once, and the one after it when there was something to do', async () => {
    const events = new EventEmitter();
    const passes: string[] = [];
    const ticker = startTicker({
      ...{ database: test.database, holder: 'a', log },
      onQueued: () => events.emit('queued'),
      stages: {
        plan: async () => {
          passes.push('plan');
          return { planned: 1 };
        },
        process: async (_, signal) => {
          passes.push('process');
          const queued = passes.filter((name) => name === 'process').length === 2 ? 1 : 0;
          if (queued) events.emit('second');
          signal.throwIfAborted();
          return { queued };
        },
      },
    });
    await Promise.all([once(events, 'second'), once(events, 'queued')]);
    await ticker.stop();
    // Nobody wakes it any more.
    const ended = passes.length;
    ticker.wake('plan');
    expect(passes.slice(0, 2).sort()).toEqual(['plan', 'process']);
    expect(passes).toHaveLength(ended);
  });

  it('of another process does no pass of a stage that is under way', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let began = () => {};
    const started = new Promise<void>((resolve) => {
      began = resolve;
    });
    const slow = {
      name: 'send' as const,
      pass: async () => {
        began();
        await held;
        return { sent: 1 };
      },
    };
    const { database } = test;
    const signal = AbortSignal.timeout(20_000);
    const first = runStage(slow, Date.now(), { database, holder: 'a' }, signal);
    await started;
    expect(await runStage(slow, Date.now(), { database, holder: 'b' }, signal)).toBeNull();
    const other = { name: 'plan' as const, pass: async () => ({ planned: 0 }) };
    expect(await runStage(other, Date.now(), { database, holder: 'b' }, signal)).toEqual({
      planned: 0,
    });
    release();
    expect(await first).toEqual({ sent: 1 });
  });
});

describe('the lease of a stage', () => {
  const never = new Promise<object>(() => {});
  const at = (holder: string) => ({ database: test.database, holder });
  const quick = { name: 'clean' as const, pass: async () => ({ cleaned: 1 }) };

  it('that a dead process held is free when who comes after it says so', async () => {
    const { database } = test;
    let began = () => {};
    const started = new Promise<void>((resolve) => {
      began = resolve;
    });
    const stuck = {
      name: 'clean' as const,
      pass: () => {
        began();
        return never;
      },
    };
    void runStage(stuck, Date.now(), at('primary/1'), AbortSignal.timeout(60_000));
    await started;
    const signal = AbortSignal.timeout(20_000);
    expect(await runStage(quick, Date.now(), at('primary/2'), signal)).toBeNull();
    const dead = { prefix: 'primary/', butFor: 'primary/2' };
    expect(await database.asSystem((tx) => endLeases(tx, dead))).toBe(1);
    expect(await runStage(quick, Date.now(), at('primary/2'), signal)).toEqual({ cleaned: 1 });
  });

  it('holds nobody up after the clock was set back by hours', async () => {
    const { database } = test;
    await database.asSystem((tx) =>
      tx.run(`insert into daybook.leases (name, holder, until)
        values ('stage send', 'gone', now() + interval '3 hours')
        on conflict (name) do update set holder = excluded.holder, until = excluded.until`),
    );
    const send = { name: 'send' as const, pass: async () => ({ sent: 1 }) };
    const signal = AbortSignal.timeout(20_000);
    expect(await runStage(send, Date.now(), at('b'), signal)).toEqual({ sent: 1 });
    const [lease] = await database.asSystem((tx) =>
      tx.query(`select until = '-infinity' as free from daybook.leases where name = 'stage send'`),
    );
    expect(lease).toEqual({ free: true });
  });
});

describe('a stage’s loop', () => {
  it('tries again soon what failed or was taken, though nobody wakes it', async () => {
    let passes = 0;
    const summary = await new Promise<object>((resolve) => {
      startStageLoop({
        ...{ name: 'plan', log, onDone: resolve },
        pass: async () => {
          passes += 1;
          if (passes === 1) throw new Error('once');
          return passes === 2 ? null : { planned: 1 };
        },
      }).wake();
    });
    expect([summary, passes]).toEqual([{ planned: 1 }, 3]);
  });

  it('does one pass at a time, and one more after all that woke it meanwhile', async () => {
    const events = new EventEmitter();
    let underWay = 0;
    let most = 0;
    let passes = 0;
    const loop = startStageLoop({
      name: 'plan',
      log,
      onDone: () => events.emit('done'),
      pass: async () => {
        most = Math.max(most, ++underWay);
        passes += 1;
        if (passes === 1) for (let woken = 0; woken < 100; woken++) loop.wake();
        if (passes === 2) throw new Error('once');
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        return {};
      },
    });
    loop.wake();
    await once(events, 'done');
    underWay = 0;
    // The second pass fails; the loop goes on.
    await expect.poll(() => passes).toBe(2);
    underWay = 0;
    const done = once(events, 'done');
    loop.wake();
    await done;
    await loop.stop();
    expect([most, passes]).toEqual([1, 3]);
  });
});
