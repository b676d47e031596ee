import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAYBOOK } from '../support/daybook-command.ts';
import { onceWith, open } from './support/agents.ts';
import {
  callsTable,
  type MirrorBed,
  type MirrorTenant,
  openMirrorBed,
} from './support/mirror-bed.ts';

/** The agent's mirrors against the real API and its database. */

let bed: MirrorBed;
let tenant: MirrorTenant;
beforeAll(async () => {
  bed = await openMirrorBed();
});
afterAll(() => bed.close());
/** Each test begins with 40 calls in the old system, all of them mirrored. */
beforeEach(async () => {
  tenant = await bed.newTenant();
  await bed.legacy(callsTable('cdr', 40));
  expect(await mirrored()).toMatchObject({ error: null, taken: 40, waiting: 0 });
});

const CDR = { table: 'cdr', mirror: {} };
const mirrored = async () => (await onceWith(tenant.config(CDR)))[0];
const states = async () => (await tenant.snapshots()).map(({ state }) => state);

/** One row is another, and the last `rows` are gone. */
const without = (rows: number) => `
  delete from cdr where external_id > 'c${String(40 - rows).padStart(3, '0')}';
  update cdr set talk_seconds = 999 where external_id = 'c001'`;

describe('a mirror by the agent', () => {
  it('inserts; then updates, and removes what is gone; the same again is not sent', async () => {
    expect(await tenant.calls()).toHaveLength(40);
    await bed.legacy(`
      delete from cdr where external_id in ('c003', 'c017');
      update cdr set talk_seconds = 999 where external_id = 'c020';
      insert into cdr select 'd001', started_at, ended_at, 'answered', 1 from cdr limit 1`);
    expect(await mirrored()).toMatchObject({ error: null, taken: 39 });
    const calls = await tenant.calls();
    expect(calls).toHaveLength(39);
    expect(calls).toContain('c020 999');
    expect(calls).toContain('d001 1');
    expect(calls.filter((row) => /^c0(03|17) /.test(row))).toEqual([]);
    expect(await mirrored()).toMatchObject({ error: null, read: 39, taken: 0 });
    expect(await states()).toEqual(['committed', 'committed']);
  });

  it('whose source fails half way deletes nothing: the agent says why, Daybook hears nothing', async () => {
    await bed.legacy(`
      alter table cdr rename to kept;
      create view cdr as
      select k.*, 1 / (25 - row_number() over (order by external_id)) as x from kept k`);
    expect(await mirrored()).toMatchObject({
      error: expect.stringContaining('division by zero'),
      waiting: 0,
    });
    expect(await tenant.calls()).toHaveLength(40);
    expect(await states()).toEqual(['committed']);
    await bed.legacy('drop view cdr; alter table kept rename to cdr');
  });

  it('whose agent is killed between begin and commit deletes nothing, and goes on where it was', async () => {
    await bed.legacy(without(15));
    const folder = join(tenant.statePath, 'process');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'agent.json');
    const write = (limits: object) =>
      writeFileSync(
        file,
        JSON.stringify({
          daybook: {
            ...{ url: tenant.url, key_id: tenant.keyId },
            ...{ key: { env: 'KEY' }, api_key: { env: 'API_KEY' } },
          },
          ...{ state: 'state', limits: { batch_rows: 2, ...limits } },
          sources: [
            { name: 'pbx', type: 'postgres', dataset: 'calls', url: { env: 'LEGACY' }, ...CDR },
          ],
        }),
      );
    write({ bytes_per_second: 1000 });
    const env = { PATH: process.env.PATH, LOG_LEVEL: 'error', ...tenant.environment };
    const start = () =>
      spawn(process.execPath, [DAYBOOK, 'agent', '--config', file, '--once'], { env });
    const sending = bed.requested(/rows\?part=6$/);
    const child = start();
    await sending;
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await tenant.calls()).toHaveLength(40);
    const [begun] = await tenant.snapshots();
    expect(begun.state).toBe('open');
    write({});
    expect((await once(start(), 'close'))[0]).toBe(0);
    const [ended, ...others] = await tenant.snapshots();
    expect([ended.id, ended.state]).toEqual([begun.id, 'committed']);
    expect(others.map(({ state }) => state)).toEqual(['committed']);
    expect(await tenant.calls()).toHaveLength(25);
  });

  it('that would delete too much deletes nothing, and both sides say so until somebody decides', async () => {
    await bed.legacy(without(30));
    const held = {
      error: expect.stringContaining('it would delete 30 of the 40 rows in its scope (75 %)'),
      waiting: 0,
    };
    expect(await mirrored()).toMatchObject(held);
    expect(await tenant.calls()).not.toContain('c001 999');
    const [refused] = await tenant.snapshots();
    expect(refused).toMatchObject({ state: 'refused', source: 'pbx' });
    expect(refused.refusal).toContain('(75 %)');
    expect(await mirrored()).toMatchObject(held);
    expect(await states()).toEqual(['refused', 'committed']);
    const leave = { rows: 10, allow_deletes: 30 };
    expect(await tenant.ask('POST', `/${refused.id}/commit`, leave)).toBe(200);
    expect(await mirrored()).toMatchObject({ error: null, read: 10, taken: 0 });
    expect(await tenant.calls()).toHaveLength(10);
  });

  it('that is held back makes way for a newer one, and is not sent again once it was given up', async () => {
    await bed.legacy(without(30));
    await mirrored();
    await bed.legacy(`update cdr set talk_seconds = 998 where external_id = 'c001'`);
    expect(await mirrored()).toMatchObject({ error: expect.any(String) });
    expect(await states()).toEqual(['refused', 'discarded', 'committed']);
    const [{ id }] = await tenant.snapshots();
    expect(await tenant.ask('DELETE', `/${id}`)).toBe(204);
    expect(await mirrored()).toMatchObject({ error: null, taken: 0 });
    await bed.legacy(callsTable('cdr', 41));
    expect(await mirrored()).toMatchObject({ error: null, taken: 41 });
    expect(await states()).toEqual(['committed', 'discarded', 'discarded', 'committed']);
    expect(await tenant.calls()).toHaveLength(41);
  });

  it('whose rows do not all have a key of their own is short, and deletes nothing', async () => {
    await bed.legacy(`
      delete from cdr where external_id = 'c040';
      insert into cdr select * from cdr where external_id = 'c001'`);
    expect(await mirrored()).toMatchObject({
      error: expect.stringContaining('it holds 39 different rows; 40 were stated'),
    });
    expect(await tenant.calls()).toHaveLength(40);
  });

  it('that somebody gives up while it is sent is read and sent anew', async () => {
    await bed.legacy(without(3));
    const givenUp = bed.requested(/rows\?part=20$/).then(async () => {
      const [{ id }] = await tenant.snapshots();
      expect(await tenant.ask('DELETE', `/${id}`)).toBe(204);
    });
    expect(await mirrored()).toMatchObject({ error: null, waiting: 0 });
    await givenUp;
    expect(await states()).toEqual(['committed', 'discarded', 'committed']);
    expect(await tenant.calls()).toHaveLength(37);
  });

  it('beside another’s of the same dataset, at once, leaves the rows of the other’s prefix alone', async () => {
    await bed.legacy(callsTable('east', 40, 'e'));
    await bed.legacy(callsTable('west', 40, 'w'));
    const of = (side: 'east' | 'west') =>
      tenant.config({ name: side, table: side, mirror: { prefix: side[0] } }, side);
    const both = () => Promise.all([onceWith(of('east')), onceWith(of('west'))]);
    const good = [[{ error: null }], [{ error: null }]];
    expect(await both()).toMatchObject(good);
    expect(await tenant.calls()).toHaveLength(120);
    for (let round = 1; round <= 3; round++) {
      await bed.legacy(`delete from east where external_id = 'e00${round}';
        delete from west where external_id = 'w01${round}'`);
      expect(await both()).toMatchObject(good);
    }
    const calls = await tenant.calls();
    expect(calls.filter((row) => row.startsWith('e'))).toHaveLength(37);
    expect(calls.filter((row) => row.startsWith('w'))).toHaveLength(37);
    expect(calls.filter((row) => row.startsWith('c'))).toHaveLength(40);
  });

  it('beside another’s without a prefix is held back: the one would delete what is the other’s', async () => {
    await bed.legacy(callsTable('east', 40, 'e'));
    expect(await onceWith(tenant.config({ table: 'east', mirror: {} }, 'b'))).toMatchObject([
      { error: expect.stringContaining('it would delete 40 of the 40 rows in its scope') },
    ]);
    expect(await tenant.calls()).toHaveLength(40);
  });
});

describe('what the network loses of a mirror', () => {
  it('a commit goes on when its client leaves, and answers the same to who asks again', async () => {
    const client = new pg.Client({ connectionString: bed.api.db.url });
    await client.connect();
    await client.query('begin');
    const lock = `hashtextextended('daybook load ${tenant.id} calls', 0)`;
    await client.query(`select pg_advisory_xact_lock(${lock})`);
    await bed.legacy(without(2));
    const stop = new AbortController();
    const agent = await open(tenant.config(CDR));
    const committing = bed.requested(/commit$/);
    const running = agent.run(stop.signal);
    await committing;
    for (;;) {
      const { rows } = await client.query(
        `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
      );
      if (rows.length > 0) break;
    }
    stop.abort();
    await running;
    agent.close();
    await client.query('commit');
    await client.end();
    while ((await states())[0] === 'open') await setImmediate();
    expect(await states()).toEqual(['committed', 'committed']);
    expect(await mirrored()).toMatchObject({ error: null, waiting: 0 });
    expect(await tenant.calls()).toHaveLength(38);
    const loads = await bed.api.db.database.asTenant(tenant.id, (tx) =>
      tx.query('select removed::int from daybook.loads order by finished_at'),
    );
    expect(loads).toEqual([{ removed: 0 }, { removed: 2 }]);
  });

  it('a snapshot whose begin was answered into nothing is begun once', async () => {
    await bed.legacy(without(2));
    let cut = true;
    bed.api.server.server.prependListener('request', ({ url, socket }, response) => {
      if (!cut || !url?.endsWith('/mirror')) return;
      cut = false;
      response.end = () => socket.destroy() && response;
    });
    expect(await mirrored()).toMatchObject({ error: null, waiting: 0 });
    expect(cut).toBe(false);
    expect(await states()).toEqual(['committed', 'committed']);
  });
});
