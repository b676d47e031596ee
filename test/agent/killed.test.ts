import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DAYBOOK, daybook } from '../support/daybook-command.ts';
import { rowsOf, temporaryFolder } from './support/agents.ts';
import { type Fault, type Receiver, startReceiver } from './support/receiver.ts';

/** The built command as a process of its own, killed and stopped. */

const ROWS = 4_000;
const KILLS = 3;

let folder: ReturnType<typeof temporaryFolder>;
let receiver: Receiver;
let fault: (request: number) => Fault | null = () => null;
beforeEach(async () => {
  folder = temporaryFolder();
  receiver = await startReceiver({ fault: (n) => fault(n) });
  const lines = Array.from({ length: ROWS }, (_, i) => String(i + 1));
  writeFileSync(join(folder.path, 'a.csv'), `id\n${lines.join('\n')}\n`);
  writeFileSync(
    join(folder.path, 'agent.json'),
    JSON.stringify({
      daybook: { url: receiver.url, key_id: receiver.keyId, key: { env: 'KEY' } },
      state: 'state',
      limits: { batch_rows: 40, give_up_seconds: 20 },
      sources: [
        {
          ...{ name: 'a', type: 'files', dataset: 'calls', folder: '.', pattern: '*.csv' },
          ...{ settle_seconds: 0, every_seconds: 1 },
        },
      ],
    }),
  );
});
afterEach(async () => {
  fault = () => null;
  await receiver.close();
  folder.remove();
});

const args = () => ['agent', '--config', join(folder.path, 'agent.json')];
const ids = () => rowsOf(receiver.taken).map(({ id }) => Number(id));
const environment = () => ({ KEY: receiver.key, LOG_LEVEL: 'error' });

function start(...more: string[]) {
  const child = spawn(process.execPath, [DAYBOOK, ...args(), ...more], {
    env: { PATH: process.env.PATH, ...environment() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, ended: once(child, 'close'), err: text(child.stderr) };
}

it(`killed ${KILLS} times at any point, each row is taken once and in order`, async () => {
  for (let kill = 1; kill <= KILLS; kill++) {
    const { child, ended } = start();
    const wanted = receiver.requests() + kill * 3;
    await receiver.until(() => receiver.requests() >= wanted);
    child.kill('SIGKILL');
    await ended;
  }
  expect(receiver.taken.length).toBeLessThan(ROWS / 40);
  const { code, out } = await daybook(environment(), [...args(), '--once', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject([{ source: 'a', waiting: 0, error: null }]);
  expect(ids()).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
  expect(receiver.repeats()).toBeLessThanOrEqual(KILLS);
  const state = join(folder.path, 'state', 'a');
  expect(readdirSync(state)).toEqual(['state.json']);
  expect(JSON.parse(readFileSync(join(state, 'state.json'), 'utf8')).accepted.rows).toBe(ROWS);
});

it('SIGTERM ends it within two seconds with status 0, also while Daybook says nothing', async () => {
  fault = (request) => (request === 4 ? 'silent' : null);
  const { child, ended, err } = start();
  await receiver.until(() => receiver.requests() === 4);
  const startedMs = performance.now();
  child.kill('SIGTERM');
  expect((await ended)[0]).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  expect(await err).toBe('');
  expect(existsSync(join(folder.path, 'state', 'a', 'state.json'))).toBe(true);
  expect((await daybook(environment(), [...args(), '--once'])).code).toBe(0);
  expect(ids()).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
});

it('a wrong configuration ends with status 2 and names what is wrong; a check sends nothing', async () => {
  const bad = join(folder.path, 'bad.json');
  writeFileSync(bad, JSON.stringify({ state: 's', sources: [] }));
  const { code, err } = await daybook(environment(), ['agent', '--config', bad]);
  expect(code).toBe(2);
  expect(err).toMatch(/daybook: .*; sources: /);
  const checked = await daybook(environment(), [...args(), '--check']);
  expect(checked).toMatchObject({ code: 0, out: expect.stringContaining('a.csv') });
  expect(receiver.requests()).toBe(0);
});
