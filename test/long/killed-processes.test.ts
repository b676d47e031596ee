import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesBelow, unfinished, until } from '../faults/support/daybook.ts';
import { openQueuedRuns, type QueuedRuns } from '../faults/support/queued-runs.ts';
import { loadCalls } from '../faults/support/rows.ts';
import { standstill } from '../faults/support/standstill.ts';
import { openUp, type UpRig } from '../faults/support/up.ts';
import { addTestTenant } from '../support/database.ts';
import { startEngine } from '../support/engine.ts';

/** `up`, its processes killed by SIGKILL at random moments of exports. */

const SHORT = process.env.DAYBOOK_LONG === 'short';
const COMPUTE_KILLS = SHORT ? 4 : 100;
const OTHER_KILLS = SHORT ? 1 : 10;
const PERIOD = { report: 'calls', from: '2026-03-01', to: SHORT ? '2026-03-08' : '2026-03-20' };

let rig: UpRig;
let runs: QueuedRuns;
let right: Buffer;
/** How long an export takes that nothing disturbs. */
let wholeMs: number;
beforeAll(async () => {
  rig = await openUp();
  const opened = await openQueuedRuns(rig, 'acme');
  const large = await addTestTenant(opened.database, { name: 'large', zone: 'UTC' });
  await loadCalls(opened.database, large, { days: 20, perDay: 5_000 });
  await opened.close();
  runs = await openQueuedRuns(rig, 'large');
  // The second shows how long one takes whose threads have run before.
  for (let round = 0; round < 2; round++) {
    const id = await runs.queue(PERIOD);
    await runs.becomes(id, 'running');
    const since = performance.now();
    await runs.becomes(id, 'done');
    wholeMs = performance.now() - since;
    right = await runs.bytes(id);
  }
});
afterAll(async () => {
  await runs.close();
  await rig.close();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const computes = () => rig.children().filter(({ role }) => role === 'compute');

function killComputes(all: boolean): void {
  const there = computes();
  const chosen = all ? there : there.slice(Math.floor(Math.random() * there.length)).slice(0, 1);
  for (const { pid } of chosen) process.kill(pid, 'SIGKILL');
}

async function expectRight(id: string): Promise<void> {
  expect(await runs.becomes(id, 'done')).toMatchObject({ files: 1 });
  expect((await runs.bytes(id)).equals(right)).toBe(true);
}

describe('exports whose compute processes are killed', () => {
  it(`come with the same bytes, ${COMPUTE_KILLS} kills in the middle of one each`, async () => {
    let kills = 0;
    const delays: number[] = [];
    while (kills < COMPUTE_KILLS) {
      const id = await runs.queue(PERIOD);
      await runs.becomes(id, 'running');
      const since = performance.now();
      await pause(Math.random() * wholeMs);
      if ((await runs.look(id)).state === 'running') {
        killComputes(kills % 5 === 4);
        kills += 1;
      }
      await expectRight(id);
      delays.push(performance.now() - since - wholeMs);
    }
    const worst = Math.round(Math.max(...delays));
    console.log(`${kills} kills; undisturbed ${Math.round(wholeMs)} ms, at most ${worst} ms later`);
  });

  it('come with the same bytes when the kills go on and on within one export', async () => {
    const id = await runs.queue(PERIOD);
    await runs.becomes(id, 'running');
    let kills = 0;
    while (kills < COMPUTE_KILLS && (await runs.look(id)).state === 'running') {
      killComputes(kills % 5 === 4);
      kills += 1;
      await pause((0.1 + Math.random() * 0.4) * wholeMs);
    }
    await expectRight(id);
    console.log(`${kills} kills within one export`);
    expect(kills).toBeGreaterThan(1);
  });
});

describe('a runner', () => {
  it('that is killed is replaced, and its run comes once, with the same bytes', async () => {
    for (let round = 0; round < OTHER_KILLS; round++) {
      const held = await standstill(rig.url(), 'calls');
      const id = await runs.queue(PERIOD);
      await held.reached();
      if (round % 2 === 1) await held.end();
      rig.kill('runner');
      const since = performance.now();
      if (round % 2 === 0) {
        await until(
          async () => ((await runs.look(id)).attempts === 2 ? true : null),
          'it is taken up again',
        );
        console.log(`taken up ${Math.round(performance.now() - since)} ms after the kill`);
        await held.end();
      }
      await expectRight(id);
    }
    await until(() => (unfinished(rig.home).length === 0 ? true : null), 'nothing is unfinished');
  });

  it('that is stopped for longer than its lease commits nothing when it goes on', async () => {
    const held = await standstill(rig.url(), 'calls');
    const id = await runs.queue(PERIOD);
    await held.reached();
    const runner = rig.children().find(({ role }) => role === 'runner');
    if (!runner) throw new Error('there is no runner');
    process.kill(runner.pid, 'SIGSTOP');
    await held.end();
    if (SHORT) await rig.runOutOfLeases();
    else await pause(40_000);
    const other = startEngine({ database: runs.database, home: rig.home });
    try {
      other.wake();
      const done = await runs.becomes(id, 'done');
      expect(done).toMatchObject({ attempts: 2, files: 1 });
      process.kill(runner.pid, 'SIGCONT');
      // It works again when it has made another run.
      await expectRight(await runs.queue(PERIOD));
      expect(await runs.look(id)).toEqual(done);
      expect((await runs.bytes(id)).equals(right)).toBe(true);
    } finally {
      process.kill(runner.pid, 'SIGCONT');
      await other.stop();
    }
    const ledger = await runs.database.asSystem((tx) =>
      tx.query<{ path: string }>('select path from daybook.files order by path'),
    );
    await until(
      () => (unfinished(rig.home).length === 0 ? true : null),
      'the stopped runner has given up its file',
    );
    expect(filesBelow(rig.home).filter((name) => name.startsWith('files/'))).toEqual(
      ledger.map(({ path }) => path),
    );
  });
});

describe('an API process', () => {
  it('that is killed delays nothing: the run goes on, and requests are answered again', async () => {
    for (let round = 0; round < OTHER_KILLS; round++) {
      const id = await runs.queue(PERIOD);
      await runs.becomes(id, 'running');
      rig.kill('api');
      await expectRight(id);
      expect(await runs.look(id)).toMatchObject({ attempts: 1 });
      await until(async () => {
        const answer = await rig.api('/v1/exports').catch(() => null);
        return answer?.status === 200 ? true : null;
      }, 'an API process answers');
    }
  });
});
