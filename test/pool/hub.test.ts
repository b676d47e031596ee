import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createHub } from '../../src/pool/hub.ts';
import type { HubMessage, WorkMessage } from '../../src/pool/messages.ts';
import type { DayResult, DayTask } from '../../src/reports/day-task.ts';

const task = (over: Partial<DayTask> = {}): DayTask => ({
  taskId: 'task-1',
  runId: 'run-1',
  tenantId: 'tenant',
  workClass: 'interactive',
  expectedRows: 10,
  day: { date: '2026-01-01', zone: 'UTC', start: 0, end: 86_400_000 },
  dataset: 'calls',
  report: 'calls',
  grain: 'row',
  where: [],
  params: {},
  cacheable: true,
  rowsPart: null,
  scratchDir: 'tmp/run-1',
  folds: [],
  known: [],
  fragment: null,
  ...over,
});
const result = (taskId: string): DayResult => ({
  taskId,
  rowsPart: { key: 'k', path: 'p', rows: 1, bytes: 1, sha256: 's', dataAsOf: null },
  extracted: true,
  totals: [],
  pieceRows: [],
  fragment: null,
  elapsedMs: 1,
});

function setUp() {
  const time = { now: 0 };
  const hub = createHub({ log: pino({ level: 'silent' }), monotonicNow: () => time.now });
  const work: WorkMessage[] = [];
  const answers: HubMessage[] = [];
  const compute = { send: (message: WorkMessage) => work.push(message) };
  const client = { send: (message: HubMessage) => answers.push(message) };
  return { hub, work, answers, compute, client, time };
}

describe('the hub', () => {
  it('makes a kept day once for all who ask, and answers each by its own task', () => {
    const { hub, work, answers, compute, client } = setUp();
    hub.fromCompute(1, compute, { kind: 'ready', threads: 4 });
    hub.fromClient(client, { kind: 'dispatch', id: '1', task: task() });
    hub.fromClient(client, {
      kind: 'dispatch',
      id: '2',
      task: task({ taskId: 'task-2', runId: 'run-2', scratchDir: 'tmp/run-2' }),
    });
    expect(work).toHaveLength(1);
    hub.fromCompute(1, compute, { kind: 'worked', taskId: 'task-1', result: result('task-1') });
    expect(
      answers.map((each) => each.kind === 'dispatched' && [each.id, each.result.taskId]),
    ).toEqual([
      ['1', 'task-1'],
      ['2', 'task-2'],
    ]);
  });

  it('never shares a day that is not kept: it stands in the folder of its run', () => {
    const { hub, work, compute, client } = setUp();
    hub.fromCompute(1, compute, { kind: 'ready', threads: 4 });
    for (const id of ['1', '2']) {
      const each = task({ taskId: `task-${id}`, cacheable: false, scratchDir: `tmp/${id}` });
      hub.fromClient(client, { kind: 'dispatch', id, task: each });
    }
    expect(work).toHaveLength(2);
  });

  it('spares the other waiters when one gives up, and aborts a day that nobody awaits', () => {
    const { hub, work, compute, client } = setUp();
    hub.fromCompute(1, compute, { kind: 'ready', threads: 1 });
    hub.fromClient(client, { kind: 'dispatch', id: '1', task: task() });
    hub.fromClient(client, { kind: 'dispatch', id: '2', task: task({ taskId: 'task-2' }) });
    hub.fromClient(client, { kind: 'cancel', id: '1' });
    expect(work.map((each) => each.kind)).toEqual(['work']);
    hub.fromClient(client, { kind: 'cancel', id: '2' });
    expect(work.map((each) => each.kind)).toEqual(['work', 'abort']);
  });

  it('starts a day again when its process dies, and gives it up after the second death', () => {
    const { hub, work, answers, compute, client } = setUp();
    hub.fromCompute(1, compute, { kind: 'ready', threads: 1 });
    hub.fromClient(client, { kind: 'dispatch', id: '1', task: task() });
    hub.computeGone(1, 'ended by SIGABRT', false);
    expect(answers).toEqual([]);
    hub.fromCompute(2, compute, { kind: 'ready', threads: 1 });
    expect(work.filter((each) => each.kind === 'work')).toHaveLength(2);
    hub.computeGone(2, 'ended by SIGABRT', false);
    expect(answers).toMatchObject([
      { kind: 'refused', id: '1', error: { code: 'E_RESOURCE_EXHAUSTED' } },
    ]);
    expect(hub.load()).toMatchObject({ waiting: 0, running: 0, threads: 0 });
  });

  it('tries a day whose thread ended once more, and answers with what ended it', () => {
    const { hub, work, answers, compute, client } = setUp();
    hub.fromCompute(1, compute, { kind: 'ready', threads: 2 });
    hub.fromClient(client, { kind: 'dispatch', id: '1', task: task() });
    const lost = {
      kind: 'lost',
      taskId: 'task-1',
      code: 'E_DAY_FAILED',
      reason: 'it hung',
    } as const;
    hub.fromCompute(1, compute, lost);
    expect(work).toHaveLength(2);
    expect(answers).toEqual([]);
    hub.fromCompute(1, compute, lost);
    expect(answers).toMatchObject([
      {
        kind: 'refused',
        error: { code: 'E_DAY_FAILED', message: 'day 2026-01-01 failed: it hung' },
      },
    ]);
    expect(hub.load()).toMatchObject({ waiting: 0, running: 0, threads: 2 });
  });

  it('goes on with a day through a dozen kills that came from outside', () => {
    const { hub, work, answers, compute, client } = setUp();
    hub.fromClient(client, { kind: 'dispatch', id: '1', task: task() });
    for (let kill = 1; kill <= 12; kill++) {
      hub.fromCompute(kill, compute, { kind: 'ready', threads: 1 });
      hub.computeGone(kill, 'killed by SIGKILL', true);
    }
    hub.fromCompute(13, compute, { kind: 'ready', threads: 1 });
    hub.fromCompute(13, compute, { kind: 'worked', taskId: 'task-1', result: result('task-1') });
    expect(work).toHaveLength(13);
    expect(answers).toMatchObject([{ kind: 'dispatched', id: '1' }]);
  });

  it('forgets all that a client waited for when the client goes away', () => {
    const { hub, compute, client } = setUp();
    hub.fromClient(client, { kind: 'dispatch', id: '1', task: task() });
    hub.clientGone(client);
    hub.fromCompute(1, compute, { kind: 'ready', threads: 1 });
    expect(hub.load()).toMatchObject({ waiting: 0, running: 0, threads: 1 });
  });

  it('starts a day anew for who asks while it is being aborted', () => {
    const { hub, work, answers, compute, client } = setUp();
    hub.fromCompute(1, compute, { kind: 'ready', threads: 2 });
    hub.fromClient(client, { kind: 'dispatch', id: '1', task: task() });
    hub.fromClient(client, { kind: 'cancel', id: '1' });
    hub.fromClient(client, { kind: 'dispatch', id: '2', task: task({ taskId: 'task-2' }) });
    expect(work.map((each) => each.kind)).toEqual(['work', 'abort', 'work']);
    const error = { code: 'E_INTERNAL' as const, message: 'aborted', details: {} };
    hub.fromCompute(1, compute, { kind: 'broken', taskId: 'task-1', error });
    expect(answers).toEqual([]);
    hub.fromCompute(1, compute, { kind: 'worked', taskId: 'task-2', result: result('task-2') });
    expect(answers).toMatchObject([{ kind: 'dispatched', id: '2' }]);
    expect(hub.load()).toMatchObject({ waiting: 0, running: 0, threads: 2 });
  });

  it('leaves the thread of an aborted day alone until the day has ended', () => {
    const { hub, work, compute, client } = setUp();
    hub.fromCompute(1, compute, { kind: 'ready', threads: 1 });
    hub.fromClient(client, { kind: 'dispatch', id: '1', task: task() });
    hub.fromClient(client, { kind: 'cancel', id: '1' });
    hub.fromClient(client, { kind: 'dispatch', id: '2', task: task({ taskId: 'task-2' }) });
    expect(work.map((each) => each.kind)).toEqual(['work', 'abort']);
    hub.fromCompute(1, compute, { kind: 'worked', taskId: 'task-1', result: result('task-1') });
    expect(work.map((each) => each.kind)).toEqual(['work', 'abort', 'work']);
  });

  it('fails only the day that takes processes with it, whatever ran beside it', () => {
    const { hub, work, answers, compute, client } = setUp();
    hub.fromCompute(1, compute, { kind: 'ready', threads: 3 });
    const days = ['poison', 'b', 'c'];
    days.forEach((date, index) => {
      const day = { date, zone: 'UTC', start: index, end: index + 1 };
      hub.fromClient(client, { kind: 'dispatch', id: date, task: task({ taskId: date, day }) });
    });
    // Whenever the poison runs its process dies; all others end well.
    for (let computeId = 1; ; computeId++) {
      let running = work.splice(0).flatMap((each) => (each.kind === 'work' ? [each.task] : []));
      while (running.length > 0 && running.every(({ taskId }) => taskId !== 'poison')) {
        for (const { taskId } of running) {
          hub.fromCompute(computeId, compute, { kind: 'worked', taskId, result: result(taskId) });
        }
        running = work.splice(0).flatMap((each) => (each.kind === 'work' ? [each.task] : []));
      }
      if (running.length === 0) break;
      hub.computeGone(computeId, 'out of memory', false);
      hub.fromCompute(computeId + 1, compute, { kind: 'ready', threads: 3 });
    }
    expect(answers.map((each) => [each.kind, 'id' in each && each.id]).sort()).toEqual([
      ['dispatched', 'b'],
      ['dispatched', 'c'],
      ['refused', 'poison'],
    ]);
  });

  it('raises a waiting day to the class of the most urgent who asks for it', () => {
    const { hub, work, compute, client } = setUp();
    const early = (date: string) => ({ date, zone: 'UTC', start: 0, end: date.length });
    const scheduled = { workClass: 'scheduled' as const, tenantId: 'b', runId: 'run-b' };
    const wanted = task({ taskId: 'wanted', day: early('wanted'), ...scheduled });
    const ids = ['other', 'wanted'];
    hub.fromClient(client, {
      kind: 'dispatch',
      id: ids[0],
      task: task({ taskId: 'other', day: early('other'), ...scheduled }),
    });
    hub.fromClient(client, { kind: 'dispatch', id: ids[1], task: wanted });
    hub.fromClient(client, {
      kind: 'dispatch',
      id: 'urgent',
      task: { ...wanted, taskId: 'urgent', workClass: 'interactive' },
    });
    hub.fromCompute(1, compute, { kind: 'ready', threads: 1 });
    expect(work).toMatchObject([{ kind: 'work', task: { taskId: 'wanted' } }]);
  });

  it('takes a day back to its class when the urgent one who asked for it gives up', () => {
    const { hub, work, compute, client } = setUp();
    const dayOf = (date: string) => ({ date, zone: 'UTC', start: 0, end: date.length });
    const dispatch = (id: string, over: Partial<DayTask>) =>
      hub.fromClient(client, { kind: 'dispatch', id, task: task({ taskId: id, ...over }) });
    dispatch('shared', { day: dayOf('shared'), workClass: 'precache', runId: 'night' });
    dispatch('urgent', { day: dayOf('shared'), workClass: 'interactive', runId: 'now' });
    dispatch('other', { day: dayOf('other'), workClass: 'scheduled', runId: 'morning' });
    hub.fromClient(client, { kind: 'cancel', id: 'urgent' });
    hub.fromCompute(1, compute, { kind: 'ready', threads: 1 });
    expect(work).toMatchObject([{ kind: 'work', task: { taskId: 'other' } }]);
    expect(hub.load().waiting).toBe(1);
  });

  it("starts a day that a short run asks for too in the short run's turn", () => {
    const { hub, work, compute, client } = setUp();
    const dispatch = (id: string, date: string, runId: string, expectedRows: number) => {
      const day = { date, zone: 'UTC', start: 0, end: date.length };
      const asked = task({ taskId: id, day, runId, expectedRows });
      hub.fromClient(client, { kind: 'dispatch', id, task: asked });
    };
    dispatch('1', 'long', 'year', 1_000);
    dispatch('2', 'longer', 'year', 20_000);
    dispatch('3', 'shortest', 'year', 10);
    dispatch('4', 'shortest', 'day', 10);
    hub.fromCompute(1, compute, { kind: 'ready', threads: 2 });
    expect(work.flatMap((each) => (each.kind === 'work' ? each.task.taskId : []))).toEqual([
      '2',
      '3',
    ]);
    expect(hub.load()).toMatchObject({ waiting: 1, running: 2, interactiveRows: 1_000 });
  });

  it('adds up the time of threads: busy, and idle while a day waited', () => {
    const { hub, compute, client, time } = setUp();
    hub.fromCompute(1, compute, { kind: 'ready', threads: 2 });
    time.now = 1_000;
    for (const id of ['1', '2', '3']) {
      const asked = task({ taskId: id, day: { date: id, zone: 'UTC', start: 0, end: Number(id) } });
      hub.fromClient(client, { kind: 'dispatch', id, task: asked });
    }
    time.now = 1_100;
    hub.fromCompute(1, compute, { kind: 'worked', taskId: '1', result: result('1') });
    expect(hub.load()).toMatchObject({ busyMs: 200, idleWhileWaitingMs: 0 });
    time.now = 1_110;
    hub.fromCompute(1, compute, { kind: 'worked', taskId: '2', result: result('2') });
    time.now = 1_150;
    expect(hub.load()).toMatchObject({ busyMs: 260, idleWhileWaitingMs: 0, msPerDay: 1 });
  });

  it('counts as idle what is kept free for a suspected day', () => {
    const { hub, compute, client, time } = setUp();
    const dispatch = (id: string) => {
      const day = { date: id, zone: 'UTC', start: 0, end: Number(id) };
      hub.fromClient(client, { kind: 'dispatch', id, task: task({ taskId: id, day }) });
    };
    hub.fromCompute(1, compute, { kind: 'ready', threads: 1 });
    dispatch('1');
    hub.fromCompute(2, compute, { kind: 'ready', threads: 2 });
    dispatch('2');
    hub.computeGone(1, 'ended by SIGABRT', false);
    time.now = 50;
    expect(hub.load()).toMatchObject({
      waiting: 1,
      running: 1,
      threads: 2,
      idleWhileWaitingMs: 50,
    });
  });

  it('asks for a ward while there are suspected days, and runs them there and others elsewhere', () => {
    const { hub, compute, client } = setUp();
    const needed: boolean[] = [];
    hub.keepWard((isNeeded) => void needed.push(isNeeded));
    const sentToWard: string[] = [];
    const ward = {
      send: (message: WorkMessage) =>
        void sentToWard.push(message.kind === 'work' ? message.task.taskId : message.kind),
    };
    const dispatch = (id: string) => {
      const day = { date: id, zone: 'UTC', start: 0, end: Number(id) };
      hub.fromClient(client, { kind: 'dispatch', id, task: task({ taskId: id, day }) });
    };
    hub.fromCompute(1, compute, { kind: 'ready', threads: 2 });
    dispatch('1');
    dispatch('2');
    hub.computeGone(1, 'ended by SIGABRT', false);
    expect(needed).toEqual([true]);
    hub.fromCompute(2, compute, { kind: 'ready', threads: 2 });
    dispatch('3');
    expect(hub.load()).toMatchObject({ waiting: 2, running: 1, threads: 2 });
    hub.fromCompute(3, ward, { kind: 'ready', threads: 1 }, true);
    // What began last goes first.
    expect(sentToWard).toEqual(['2']);
    hub.fromCompute(3, ward, { kind: 'worked', taskId: '2', result: result('2') });
    expect(sentToWard).toEqual(['2', '1']);
    expect(needed).toEqual([true]);
    hub.computeGone(3, 'ended by SIGABRT', false);
    expect(needed).toEqual([true, false]);
    expect(hub.load()).toMatchObject({ waiting: 0, running: 1 });
  });

  it('gives the next suspected day another ward when the thread of one was lost', () => {
    const { hub, compute, client } = setUp();
    hub.keepWard(() => {});
    const sent: string[] = [];
    const wardOf = (name: string) => ({
      send: (message: WorkMessage) =>
        void sent.push(`${name} ${message.kind === 'work' ? message.task.taskId : message.kind}`),
    });
    hub.fromCompute(1, compute, { kind: 'ready', threads: 2 });
    for (const id of ['1', '2']) {
      const day = { date: id, zone: 'UTC', start: 0, end: Number(id) };
      hub.fromClient(client, { kind: 'dispatch', id, task: task({ taskId: id, day }) });
    }
    hub.computeGone(1, 'ended by SIGABRT', false);
    hub.fromCompute(2, wardOf('first'), { kind: 'ready', threads: 1 }, true);
    const lost = {
      kind: 'lost',
      taskId: '2',
      code: 'E_DAY_FAILED',
      reason: 'stood still',
    } as const;
    hub.fromCompute(2, wardOf('first'), lost, true);
    hub.fromCompute(3, wardOf('second'), { kind: 'ready', threads: 1 }, true);
    expect(sent).toEqual(['first 2', 'second 1']);
  });
});
