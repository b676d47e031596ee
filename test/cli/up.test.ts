import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { DAYBOOK } from '../support/daybook-command.ts';

let test: TestDatabase;
let home: string;

beforeAll(async () => {
  test = await freshDatabase();
  home = mkdtempSync(join(tmpdir(), 'daybook-up-'));
});
afterAll(async () => {
  await test.drop();
  rmSync(home, { recursive: true, force: true });
});

it('`up` that is told to go while its processes start lets none of them wait, and is not up', async () => {
  const up = spawn(process.execPath, [DAYBOOK, 'up', '--port', '0', '--no-demo'], {
    env: {
      PATH: process.env.PATH,
      DAYBOOK_HOME: home,
      DATABASE_URL: test.url,
      DAYBOOK_SECRET: 'a secret of at least thirty-two characters',
      LOG_LEVEL: 'info',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  up.stdout.setEncoding('utf8').on('data', (piece: string) => {
    out += piece;
  });
  up.stderr.setEncoding('utf8').on('data', (piece: string) => {
    err += piece;
    if (err.includes('"starting"') && !up.killed) up.kill('SIGTERM');
  });
  const [code, signal] = await once(up, 'close');
  expect({ code, signal, out }).toEqual({ code: 0, signal: null, out: '' });
});
