import { pino } from 'pino';
import { openDatabase } from '../../../src/store/database.ts';
import { load } from '../../ingest/support/load.ts';
import { addTestTenant } from '../../support/database.ts';
import { ask } from '../../support/embedded.ts';
import { daybook, until } from './daybook.ts';
import { openUp, type UpRig } from './up.ts';

/** `up` with a tenant each of whose days misbehaves in a shape of `poison.mjs` when it is made. */

const PRELOAD = new URL('./poison.mjs', import.meta.url).href;

export type Shape = 'push' | 'map' | 'array' | 'buffers' | 'loop';
const SHAPES: readonly Shape[] = ['push', 'map', 'array', 'buffers', 'loop'];

export interface PoisonedUp extends UpRig {
  /** Asks for an export of the day of a shape; the id of its run. */
  poison(shape: Shape): Promise<string>;
  /** The run when it has ended. */
  ended(id: string): Promise<{ state: string; error_code: string | null; error_message: string }>;
  /** Asks the API all the time until told to stop, which gives the answers that were no success. */
  probe(): { stop(): Promise<(number | string)[]> };
}

export async function openPoisonedUp(args: readonly string[]): Promise<PoisonedUp> {
  const environment = { NODE_OPTIONS: `--import=${PRELOAD}` };
  const rig = await openUp({ args, environment });
  const database = openDatabase({
    url: rig.url(),
    maxConnections: 2,
    applicationName: 'test',
    log: pino({ level: 'silent' }),
  });
  const tenant = await addTestTenant(database, { name: 'poison', zone: 'UTC' });
  const lines = SHAPES.map((shape, index) => {
    const day = `2026-03-0${index + 1}`;
    return `p${index},${day}T10:00:00Z,${day}T10:01:00Z,POISON-${shape},answered`;
  });
  const head = 'external_id,started_at,ended_at,queue,disposition';
  await load(database, tenant, `${[head, ...lines].join('\n')}\n`);
  await database.close();
  const { out } = await daybook(['tenant', 'key', 'poison', '--scope', 'admin'], rig.environment);
  const authorization = `Bearer ${out.trim()}`;

  return {
    ...rig,
    async poison(shape) {
      const day = `2026-03-0${SHAPES.indexOf(shape) + 1}`;
      const answer = await fetch(`http://127.0.0.1:${rig.port}/v1/exports`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ report: 'calls', from: day, to: day, format: 'csv' }),
      });
      const { id } = (await answer.json()) as { id: string };
      return id;
    },
    ended: (id) =>
      until(
        async () => {
          const [run] = await ask<{ state: string; error_code: string; error_message: string }>(
            rig.url(),
            `select state, error_code, error_message from daybook.runs where id = '${id}'`,
          );
          return ['queued', 'running'].includes(run.state) ? null : run;
        },
        'the poison run ends',
        120_000,
      ),
    probe() {
      let going = true;
      const bad: (number | string)[] = [];
      const asking = (async () => {
        while (going) {
          const answer = await rig.api('/v1/reports').catch((error: Error) => error);
          if (answer instanceof Error) bad.push(answer.message);
          else {
            await answer.arrayBuffer();
            if (answer.status !== 200 && answer.status !== 429) bad.push(answer.status);
          }
          await new Promise((resolve) => setTimeout(resolve, 150));
        }
      })();
      return {
        async stop() {
          going = false;
          await asking;
          return bad;
        },
      };
    },
  };
}
