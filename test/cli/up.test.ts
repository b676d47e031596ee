import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';

/** The built command as a process of its own. */

const DAYBOOK = fileURLToPath(new URL('../../bin/daybook.js', import.meta.url));

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

describe('daybook up', () => {
  it.each(['"msg":"starting"', '"msg":"Server listening'])(
    'ends with 0 of a signal that comes at %s, however far its processes are',
    async (line) => {
      const up = spawn(process.execPath, [DAYBOOK, 'up', '--no-demo', '--port', '0'], {
        env: {
          PATH: process.env.PATH,
          DATABASE_URL: test.url,
          DAYBOOK_HOME: freshHome(),
          DAYBOOK_SECRET: 'x'.repeat(32),
          DAYBOOK_COMPUTE: '1',
          DAYBOOK_THREADS: '1',
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const ended = once(up, 'close');
      for await (const said of createInterface(up.stderr)) {
        if (said.includes(line)) up.kill('SIGTERM');
      }
      expect(await ended).toEqual([0, null]);
    },
  );
});
