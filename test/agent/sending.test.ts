import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configFor, onceWith, open, rowsOf, temporaryFolder } from './support/agents.ts';
import { type Fault, type Receiver, startReceiver } from './support/receiver.ts';

const ROWS = 60;

let folder: ReturnType<typeof temporaryFolder>;
let receiver: Receiver | null = null;
beforeEach(() => {
  folder = temporaryFolder();
  const lines = Array.from({ length: ROWS }, (_, i) => `${i + 1},"text ${i + 1}"`);
  writeFileSync(join(folder.path, 'a.csv'), `id,note\n${lines.join('\n')}\n`);
});
afterEach(async () => {
  await receiver?.close();
  receiver = null;
  folder.remove();
});

function config(of: Receiver, limits: object = {}, more: { daybook?: object } = {}) {
  const state = join(folder.path, 'state');
  const source = {
    name: 'a',
    type: 'files',
    dataset: 'calls',
    folder: folder.path,
    pattern: '*.csv',
  };
  return configFor(of, state, [{ ...source, settle_seconds: 0, every_seconds: 1 }], {
    ...{ limits: { batch_rows: 10, ...limits }, ...more },
  });
}

const ids = () => rowsOf(receiver?.taken ?? []).map(({ id }) => Number(id));
const EACH_ONCE = Array.from({ length: ROWS }, (_, i) => i + 1);

describe('sending', () => {
  const kinds: readonly (readonly [string, Fault])[] = [
    ['a connection that is cut before it was read', 'cut_before'],
    ['a connection that is cut midway', 'cut_midway'],
    ['an answer that never came though the batch was taken', 'cut_after'],
    ['429', { status: 429, headers: { 'retry-after': '7' } }],
    ['503', { status: 503 }],
    ['500', { status: 500 }],
    ['401, as while a key is being changed', { status: 401 }],
    ['404, as while a dataset is not there', { status: 404 }],
  ];
  for (const [what, fault] of kinds) {
    it(`survives ${what}: each row is taken once, in order`, async () => {
      receiver = await startReceiver({ fault: (n) => (n % 2 === 1 ? fault : null) });
      expect(await onceWith(config(receiver))).toMatchObject([
        { error: null, taken: ROWS, waiting: 0 },
      ]);
      expect(receiver.faults()).toBeGreaterThan(5);
      expect(ids()).toEqual(EACH_ONCE);
    });
  }

  it('survives a server that says nothing, by its own deadline', async () => {
    receiver = await startReceiver({ fault: (n) => (n === 2 ? 'silent' : null) });
    const patient = config(receiver, {}, { daybook: { timeout_seconds: 1 } });
    expect(await onceWith(patient)).toMatchObject([{ error: null, waiting: 0 }]);
    expect(ids()).toEqual(EACH_ONCE);
  });

  it('waits at least as long as Retry-After says', async () => {
    const busy = { status: 429, headers: { 'retry-after': '77' } };
    receiver = await startReceiver({ fault: (n) => (n === 1 ? busy : null) });
    const waits: number[] = [];
    const agent = await open(config(receiver), undefined, waits);
    await agent.once(AbortSignal.timeout(30_000));
    agent.close();
    expect(waits).toEqual([77_000]);
  });

  it('halves what is too large until it is taken, every row once', async () => {
    receiver = await startReceiver({ mostBytes: 130 });
    expect(await onceWith(config(receiver, { batch_rows: 60 }))).toMatchObject([
      { error: null, waiting: 0 },
    ]);
    expect(receiver.taken.length).toBeGreaterThan(2);
    expect(ids()).toEqual(EACH_ONCE);
  });

  it('sends of a row that alone is too large why it is not there, and goes on behind it', async () => {
    const noise = randomBytes(3_000).toString('base64');
    writeFileSync(join(folder.path, 'a.csv'), `id,note\n1,x\n2,${noise}\n3,y\n`);
    receiver = await startReceiver({ mostBytes: 1_000 });
    expect(await onceWith(config(receiver))).toMatchObject([{ error: null, waiting: 0 }]);
    expect(rowsOf(receiver.taken)).toEqual([
      { id: '1', note: 'x' },
      {
        _refused: 'the row is too large to be sent: 4021 bytes',
        _raw: expect.stringContaining(noise.slice(0, 400)),
      },
      { id: '3', note: 'y' },
    ]);
  });

  it.each([-3_600_000, 3_600_000, 400_000])(
    'goes by the clock of Daybook when its own is off by %d ms',
    async (off) => {
      receiver = await startReceiver();
      const [outcome] = await onceWith(config(receiver), { nowMs: () => Date.now() + off });
      expect(outcome).toMatchObject({ error: null, waiting: 0 });
      expect(ids()).toEqual(EACH_ONCE);
    },
  );

  it('keeps all on disk while Daybook is away, and sends the same bytes under the same ids later', async () => {
    const away = await startReceiver();
    await away.close();
    const patience = { give_up_seconds: 1 };
    const [outcome] = await onceWith(config(away, patience));
    expect(outcome.error).toContain('6 batches wait');
    expect(outcome.waiting).toBe(6);
    receiver = await startReceiver({ fault: (n) => (n === 1 ? 'cut_after' : null) });
    expect(await onceWith(config(receiver))).toMatchObject([{ error: null, taken: 0, waiting: 0 }]);
    expect(ids()).toEqual(EACH_ONCE);
    expect(receiver.repeats()).toBe(1);
  });

  it('never sends again what was accepted, also when the state beside it is all there is left', async () => {
    receiver = await startReceiver();
    const of = config(receiver);
    await onceWith(of);
    const before = receiver.requests();
    expect(await onceWith(of)).toMatchObject([{ error: null, taken: 0 }]);
    expect(receiver.requests()).toBe(before);
  });

  it('makes the same ids of the same rows when the state is lost, so that they are known', async () => {
    receiver = await startReceiver();
    await onceWith(config(receiver));
    const of = config(receiver);
    await onceWith({ ...of, state: join(folder.path, 'anew') });
    expect(receiver.repeats()).toBe(6);
    expect(ids()).toEqual(EACH_ONCE);
  });

  it('stops at a safe place within a second of its signal, wherever it is', async () => {
    receiver = await startReceiver({ fault: (n) => (n === 3 ? 'silent' : null) });
    const of = config(receiver);
    const stop = new AbortController();
    const agent = await open(of);
    const running = agent.run(stop.signal);
    await receiver.until(() => receiver?.requests() === 3);
    const startedMs = performance.now();
    stop.abort();
    await running;
    agent.close();
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(await onceWith(of)).toMatchObject([{ error: null, waiting: 0 }]);
    expect(ids()).toEqual(EACH_ONCE);
  });

  it('is not kept from other sources by one that fails', async () => {
    receiver = await startReceiver();
    const state = join(folder.path, 'state');
    const files = { type: 'files', dataset: 'calls', settle_seconds: 0, pattern: '*.csv' };
    const outcomes = await onceWith(
      configFor(
        receiver,
        state,
        [
          { ...files, name: 'gone', folder: join(folder.path, 'nowhere') },
          {
            ...{
              name: 'dead',
              type: 'postgres',
              dataset: 'calls',
              table: 'x',
              url: { env: 'DEAD' },
            },
            watermark: { column: 'a', key: ['b'] },
          },
          { ...files, name: 'good', folder: folder.path },
        ],
        { secrets: { DEAD: 'postgres://127.0.0.1:1/x' } },
      ),
    );
    expect(outcomes).toMatchObject([
      { source: 'gone', error: expect.stringContaining('ENOENT') },
      { source: 'dead', error: expect.stringContaining('ECONNREFUSED') },
      { source: 'good', error: null, taken: ROWS },
    ]);
  });

  it('refuses a second agent on the same state', async () => {
    receiver = await startReceiver();
    const of = config(receiver);
    const agent = await open(of);
    await expect(open(of)).rejects.toThrow('is used by another agent');
    agent.close();
    (await open(of)).close();
  });

  it('stops reading at the bound of its disk, and goes on when there is room', async () => {
    const state = join(folder.path, 'state');
    const long = 'x'.repeat(40_000);
    const random = () => randomBytes(30_000).toString('base64');
    writeFileSync(
      join(folder.path, 'big.csv'),
      `id,note\n${Array.from({ length: 60 }, (_, i) => `${i},${random()}${long}`).join('\n')}\n`,
    );
    let held = true;
    receiver = await startReceiver({ fault: () => (held ? { status: 503 } : null) });
    const of = configFor(
      receiver,
      state,
      [
        {
          name: 'big',
          type: 'files',
          dataset: 'calls',
          folder: folder.path,
          pattern: 'big.csv',
          complete: 'growing',
          settle_seconds: 0,
        },
      ],
      { limits: { spool_bytes: 1_000_000, batch_rows: 5 } },
    );
    const stop = new AbortController();
    const waits: number[] = [];
    const agent = await open(of, undefined, waits);
    const running = agent.once(stop.signal);
    while (waits.length < 10) await new Promise((resolve) => setImmediate(resolve));
    held = false;
    expect(await running).toMatchObject([{ error: null, taken: 60, waiting: 0 }]);
    agent.close();
    expect(rowsOf(receiver.taken).map(({ id }) => Number(id))).toEqual(EACH_ONCE.map((i) => i - 1));
  });
});
