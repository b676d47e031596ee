import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesBelow } from '../faults/support/daybook.ts';
import { loadCalls } from '../faults/support/rows.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook, daybookDone } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';

/** The built command on the parts of two tenants. */

let test: TestDatabase;
let engine: TestEngine;
let home: string;
let tenants: { id: string }[];
let environment: Record<string, string>;

beforeAll(async () => {
  test = await freshDatabase();
  home = freshHome();
  engine = startEngine({ database: test.database, home });
  environment = { DATABASE_URL: test.url, DAYBOOK_HOME: home, DAYBOOK_CACHE_BYTES: '5000000' };
  tenants = [];
  for (const name of ['acme', 'beta']) {
    const tenant = await addTestTenant(test.database, { name, zone: 'UTC' });
    await loadCalls(test.database, tenant, { days: 3, perDay: 20 });
    tenants.push(tenant);
  }
});
afterAll(async () => {
  await engine.stop();
  await test.drop();
});

const fill = async () => {
  const request = { report: 'calls', from: '2026-03-01', to: '2026-03-03', format: 'csv' };
  for (const { id } of tenants) await engine.export(id, request);
};
const cache = async (...args: string[]) => {
  const { code, out, err } = await daybook(environment, ['cache', ...args, '--json']);
  expect(err).toBe('');
  return { code, json: JSON.parse(out) };
};
const partFiles = () => filesBelow(join(home, 'parts')).map((name) => join(home, 'parts', name));

describe('daybook cache', () => {
  it('stats counts parts by tenant and kind, with the bound and the oldest use', async () => {
    await fill();
    const { code, json } = await cache('stats');
    const sizes = partFiles().map((path) => readFileSync(path).length);
    expect(code).toBe(0);
    expect(json).toMatchObject({
      bound_bytes: 5_000_000,
      parts: 12,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      pinned_parts: 0,
      totals: 6,
      oldest_use: expect.stringMatching(/^2\d{3}-/),
    });
    expect(
      json.by_tenant.map((row: { tenant: string; kind: string; parts: number }) => [
        row.tenant,
        row.kind,
        row.parts,
      ]),
    ).toEqual([
      ['acme', 'rows', 3],
      ['acme', 'fragment', 3],
      ['beta', 'rows', 3],
      ['beta', 'fragment', 3],
    ]);
    expect((await cache('stats', '--tenant', 'acme')).json.parts).toBe(6);
    expect(await daybookDone(environment, 'cache', 'stats')).toContain('12 parts, ');
  });

  it('verify says that all is well, and names a changed and a missing part and ends with 1', async () => {
    await fill();
    expect(await cache('verify')).toMatchObject({ code: 0, json: { parts: 12, bad: [] } });
    const [changed, missing] = partFiles();
    const bytes = readFileSync(changed);
    bytes[bytes.length - 20] ^= 1;
    writeFileSync(changed, bytes);
    rmSync(missing);
    const { code, json } = await cache('verify');
    expect(code).toBe(1);
    expect(json.bad).toEqual([
      expect.objectContaining({ path: changed.slice(home.length + 1) }),
      expect.objectContaining({
        path: missing.slice(home.length + 1),
        reason: 'it is not there',
      }),
    ]);
    const plain = await daybook(environment, ['cache', 'verify']);
    expect(plain.out).toContain(`${changed.slice(home.length + 1)}: its manifest is another one`);

    expect((await cache('verify', '--repair')).code).toBe(1);
    expect(await cache('verify')).toMatchObject({ code: 0, json: { parts: 10, bad: [] } });
  });

  it('drop removes the parts that it is told to, and no others', async () => {
    await cache('drop', '--all');
    await fill();
    const before = partFiles().length;
    const one = ['--tenant', 'acme', '--dataset', 'calls', '--from', '2026-03-02'];
    const day = await cache('drop', ...one, '--to', '2026-03-02');
    expect(day).toMatchObject({ code: 0, json: { parts: 2, in_use: 0 } });
    expect(partFiles()).toHaveLength(before - 2);
    expect((await cache('stats')).json).toMatchObject({ parts: before - 2, totals: 5 });
    expect((await cache('drop', '--tenant', 'acme')).json.parts).toBe(4);
    expect(
      (await cache('stats')).json.by_tenant.map((row: { tenant: string }) => row.tenant),
    ).toEqual(['beta', 'beta']);
    await cache('drop', '--all');
    expect(partFiles()).toEqual([]);
    expect((await cache('stats')).json).toMatchObject({ parts: 0, totals: 0, oldest_use: null });
  });

  it('drop leaves what a run under way needs, and says how much', async () => {
    await cache('drop', '--all');
    await fill();
    await test.database.asSystem((tx) =>
      tx.run(
        `with run as (
           insert into daybook.runs (tenant_id, report, request, requested_by, state, lease_token, lease_until)
           values ($1, 'calls', '{}', 't', 'running', 1, now() + interval '1 hour') returning id)
         insert into daybook.part_pins (tenant_id, run_id, lease_token, paths)
         select $1, run.id, 1, array(select path from daybook.parts where tenant_id = $1) from run`,
        [tenants[0].id],
      ),
    );
    const { json } = await cache('drop', '--all');
    expect(json).toMatchObject({ parts: 6, in_use: 6 });
    expect((await cache('stats')).json).toMatchObject({ parts: 6, pinned_parts: 6 });
    await test.database.asSystem((tx) => tx.run('delete from daybook.runs where lease_token = 1'));
  });

  it('a command that makes parts alone brings them back within the bound', async () => {
    const bound = 2 ** 20;
    const tenant = await addTestTenant(test.database, { name: 'large', zone: 'UTC' });
    await loadCalls(test.database, tenant, { days: 3, perDay: 20_000 });
    const out = join(freshHome(), 'out.csv');
    const what = ['--tenant', 'large', '--from', '2026-03-01', '--to', '2026-03-03', '--out', out];
    await daybookDone(
      { ...environment, DAYBOOK_CACHE_BYTES: String(bound), DAYBOOK_THREADS: '1' },
      'export',
      'calls',
      ...what,
    );
    const left = partFiles().reduce((sum, path) => sum + readFileSync(path).length, 0);
    expect(left).toBeLessThanOrEqual(bound);
    expect((await cache('stats')).json.bytes).toBe(left);
    expect((await cache('stats', '--tenant', 'large')).json.parts).toBeLessThan(6);
    expect(readFileSync(out, 'utf8').split('\r\n')).toHaveLength(60_002);
  });
});
