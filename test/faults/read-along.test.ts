import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/embedded.ts';
import { isAlive, until } from './support/daybook.ts';
import { standstill } from './support/standstill.ts';
import { openUp, type UpRig } from './support/up.ts';

/** An export's file that is fetched while its days are still being made, under a live `up`. */

let rig: UpRig;
beforeAll(async () => {
  rig = await openUp();
  // The first two days are parts from now on; the others need the table.
  const { id } = await post({ to: '2026-03-02' });
  await buffer(await fileOf(id));
});
afterAll(() => rig.close());

async function post(over: Record<string, unknown>): Promise<{ id: string }> {
  const body = { report: 'calls', from: '2026-03-01', to: '2026-03-05', format: 'csv', ...over };
  const answer = await fetch(`http://127.0.0.1:${rig.port}/v1/exports`, {
    method: 'POST',
    headers: { authorization: rig.authorization(), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as { id: string };
}

function fileOf(id: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const { port } = rig;
  return new Promise((resolve, reject) => {
    request(
      {
        ...{ host: '127.0.0.1', port, path: `/v1/exports/${id}/file`, agent: false },
        headers: { authorization: rig.authorization(), prefer: 'wait=60', ...headers },
      },
      resolve,
    )
      .on('error', reject)
      .end();
  });
}

/** An export of which two days are there and the table of the others is held. */
async function underWay() {
  await ask(
    rig.url(),
    `update daybook.data_hours set version = version + 1 where hour >= '2026-03-03'`,
  );
  const held = await standstill(rig.url(), 'calls');
  const { id } = await post({});
  const answers = await Promise.all([fileOf(id), fileOf(id), fileOf(id)]);
  const begun = await Promise.all(
    answers.map(async (answer) => {
      if (answer.readableLength === 0) await once(answer, 'readable');
      return answer.read() as Buffer;
    }),
  );
  await held.reached();
  return { id, held, answers, begun };
}

const rest = (answer: IncomingMessage) =>
  buffer(answer).then(
    (bytes) => bytes,
    () => 'broken off' as const,
  );

describe('a file that is fetched while its days are being made', () => {
  it('begins with the days that are there and comes whole, from every API process', async () => {
    const { held, answers, begun } = await underWay();
    const ends = answers.map(rest);
    for (const first of begun) {
      expect(first.length).toBeLessThan(rig.right.length);
      expect(rig.right.subarray(0, first.length).equals(first)).toBe(true);
    }
    await held.end();
    for (const [index, end] of (await Promise.all(ends)).entries()) {
      expect(Buffer.concat([begun[index], end as Buffer]).equals(rig.right)).toBe(true);
    }
  });

  it('breaks off when its runner is killed, and is there once the run was taken up again', async () => {
    const { id, held, answers } = await underWay();
    const ends = answers.map(rest);
    const dead = rig.kill('runner');
    await until(() => (isAlive(dead) ? null : true), 'the runner is dead');
    await held.end();
    await rig.runOutOfLeases();
    expect(await Promise.all(ends)).toEqual(['broken off', 'broken off', 'broken off']);
    const again = await buffer(await fileOf(id));
    expect(again.equals(rig.right)).toBe(true);
  });

  it('goes on when a compute process is killed', async () => {
    const { held, answers, begun } = await underWay();
    const ends = answers.map(rest);
    rig.kill('compute');
    await held.end();
    for (const [index, end] of (await Promise.all(ends)).entries()) {
      expect(Buffer.concat([begun[index], end as Buffer]).equals(rig.right)).toBe(true);
    }
  });
});
