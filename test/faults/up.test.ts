import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/embedded.ts';
import { isAlive, unfinished, until } from './support/daybook.ts';
import { openUp, type UpRig } from './support/up.ts';

/** `daybook up`, each of its processes killed while an export is under way. */

let rig: UpRig;
beforeAll(async () => {
  rig = await openUp();
});
afterAll(() => rig.close());

const request = { report: 'calls', from: '2026-03-01', to: '2026-03-05', format: 'csv' };
const stateOf = async (id: string) =>
  (
    await ask<{ state: string; lease_owner: string | null }>(
      rig.url(),
      `select state, lease_owner from daybook.runs where id = '${id}'`,
    )
  )[0];

describe('an export under way through up', () => {
  it('comes, with the same bytes, when a compute process is killed', async () => {
    const bytes = await rig.exported('compute.csv', async () => {
      rig.kill('compute');
    });
    expect(bytes.equals(rig.right)).toBe(true);
  });

  it('comes once, with the same bytes, when the runner is killed, before its lease runs out', async () => {
    const attempts = () =>
      ask<{ attempts: number }>(
        rig.url(),
        `select attempts from daybook.runs where state = 'running' and lease_until > now()`,
      );
    const bytes = await rig.exported('runner.csv', async () => {
      rig.kill('runner');
      await until(
        async () => ((await attempts())[0]?.attempts === 2 ? true : null),
        'the run is taken up again',
      );
    });
    expect(bytes.equals(rig.right)).toBe(true);
    const files = 'select count(*) as n from daybook.files group by run_id having count(*) <> 1';
    expect(await ask(rig.url(), files)).toEqual([]);
  });

  it('comes, with the same bytes, when an API process is killed', async () => {
    const bytes = await rig.exported('api.csv', async () => {
      rig.kill('api');
    });
    expect(bytes.equals(rig.right)).toBe(true);
    expect((await rig.api('/v1/exports')).status).toBe(200);
  });

  it('leaves nothing unfinished behind', async () => {
    await until(() => (unfinished(rig.home).length === 0 ? true : null), 'nothing is unfinished');
    expect(await ask(rig.url(), `select 1 from daybook.runs where state <> 'done'`)).toEqual([]);
  });
});

describe('a request whose body breaks off', () => {
  it('makes no run', async () => {
    const count = async () =>
      (await ask<{ n: string }>(rig.url(), 'select count(*) as n from daybook.runs'))[0].n;
    const before = await count();
    const body = JSON.stringify(request);
    await new Promise<void>((resolve, reject) => {
      const socket = connect(rig.port, '127.0.0.1', () => {
        socket.write(
          `POST /v1/exports HTTP/1.1\r\nhost: x\r\nauthorization: ${rig.authorization()}\r\n` +
            `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, -20)}`,
        );
        socket.end();
      });
      socket.on('data', (bytes) => {
        if (/^HTTP\/1.1 2/.test(bytes.toString())) reject(new Error(bytes.toString()));
      });
      socket.on('close', () => resolve());
      socket.on('error', () => resolve());
    });
    expect(await count()).toBe(before);
  });
});

describe('Postgres that is killed under up', () => {
  it('comes back; meanwhile the API says 503 and lives, and an export under way still comes', async () => {
    const answers: { status: number; type: string | null }[] = [];
    const bytes = await rig.exported('postgres.csv', async () => {
      const before = rig.postgresPid() as number;
      process.kill(before, 'SIGKILL');
      await until(async () => {
        const answer = await rig.api('/v1/exports');
        answers.push({ status: answer.status, type: answer.headers.get('content-type') });
        const now = rig.postgresPid();
        return answer.status === 200 && now !== before ? true : null;
      }, 'the API answers again');
    });
    expect(bytes.equals(rig.right)).toBe(true);
    for (const { status, type } of answers.filter((answer) => answer.status !== 200)) {
      expect({ status, type }).toEqual({
        status: 503,
        type: expect.stringContaining('problem+json'),
      });
    }
    expect(isAlive(rig.up().pid)).toBe(true);
    expect(rig.up().err()).not.toContain('a process died","kind":"api');
  });
});

describe('up that is told to end', () => {
  const running = async () => {
    const [run] = await ask<{ id: string }>(
      rig.url(),
      `select id from daybook.runs where state = 'running'`,
    );
    return run.id;
  };

  it('by a second SIGTERM ends at once and its children with it, and the run is taken over', async () => {
    const bytes = await rig.exported('second.csv', async () => {
      const id = await running();
      const children = rig.children();
      rig.up().child.kill('SIGTERM');
      await until(() => (rig.up().err().includes('draining') ? true : null), 'it drains');
      rig.up().child.kill('SIGTERM');
      expect((await rig.up().ended).code).toBe(1);
      await until(() => (children.some(({ pid }) => isAlive(pid)) ? null : true), 'children end');
      expect((await stateOf(id)).state).toBe('running');
      await rig.runOutOfLeases();
      await rig.again();
    });
    expect(bytes.equals(rig.right)).toBe(true);
  });

  it('by SIGKILL takes its children along; the next up takes the port and the Postgres', async () => {
    const children = rig.children();
    const server = rig.postgresPid() as number;
    expect(children.length).toBe(5);
    rig.up().child.kill('SIGKILL');
    await until(() => (children.every(({ pid }) => !isAlive(pid)) ? true : null), 'children end');
    await rig.again();
    expect((await rig.exported('again.csv')).equals(rig.right)).toBe(true);
    rig.up().child.kill('SIGTERM');
    expect((await rig.up().ended).code).toBe(0);
    expect(isAlive(server)).toBe(false);
    expect(rig.postgresPid()).toBeUndefined();
  });
});
