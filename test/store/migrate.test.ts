import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { addMember } from '../../src/store/members.ts';
import { inspectMigrations, migrate } from '../../src/store/migrate.ts';
import { addTenant } from '../../src/store/tenants.ts';
import { ask, freshHome, UNSAFE_AND_FAST } from '../support/embedded.ts';

/** Roles belong to a whole server, so these tests take a server of their own. */

let server: EmbeddedPostgres;
let count = 0;
beforeAll(async () => {
  server = await startEmbeddedPostgres({ home: freshHome(), settings: UNSAFE_AND_FAST });
  // As hosted Supabase has it: schemas and roles of others, and a login that is no superuser.
  await ask(
    server.url,
    `create role supabase_admin login superuser;
     create role hosted login password 'x' createrole createdb bypassrls;
     create role plain login password 'x' createrole;
     create role anon nologin; create role authenticated nologin;
     create role service_role nologin bypassrls;
     create role authenticator noinherit nologin;
     grant anon, authenticated, service_role to authenticator, hosted with admin option`,
  );
});
afterAll(() => server.stop());

const asLogin = (url: string, login: string) => url.replace(/\/\/[^@]+@/, `//${login}:x@`);

/** A database with what hosted Supabase keeps in it, as `login` reaches it. */
async function hostedDatabase(login: string): Promise<{ url: string; admin: string }> {
  const name = `hosted_${++count}`;
  await ask(server.url, `create database ${name}`);
  const admin = server.url.replace(/\/daybook$/, `/${name}`);
  await ask(
    admin,
    `grant create, connect on database ${name} to ${login};
     create schema auth authorization supabase_admin;
     create schema extensions authorization supabase_admin;
     grant usage on schema auth to ${login} with grant option;
     grant usage on schema auth to anon, authenticated, service_role;
     create function auth.jwt() returns jsonb language sql stable
       as $$ select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb $$;
     alter function auth.jwt() owner to supabase_admin`,
  );
  return { url: asLogin(admin, login), admin };
}

async function emptyDatabase(): Promise<string> {
  const name = `empty_${++count}`;
  await ask(server.url, `create database ${name}`);
  return server.url.replace(/\/daybook$/, `/${name}`);
}

// First of all, so that it is this login who makes the roles of Daybook.
describe('a login that is no superuser', () => {
  it.each(['hosted', 'plain'])('(%s) migrates, and works as tenant and system', async (login) => {
    const { url } = await hostedDatabase(login);
    if (login === 'plain') {
      // The roles were made by the other login, who has to hand them on.
      await ask(server.url, 'grant daybook_tenant, daybook_system to plain with admin option');
    }
    expect((await migrate(url)).length).toBeGreaterThan(0);
    const database = openDatabase({
      url,
      maxConnections: 2,
      applicationName: 'hosted',
      log: pino({ level: 'silent' }),
    });
    try {
      const userId = randomUUID();
      const tenant = await database.asSystem(async (tx) => {
        await addTenant(tx, { name: 'other', zone: 'UTC' });
        const added = await addTenant(tx, { name: 'own', zone: 'UTC' });
        await addMember(tx, { tenantId: added.id, userId, roles: ['viewer'] });
        return added;
      });
      const names = await database.asTenant(tenant.id, (tx) =>
        tx.query('select name from daybook.tenants'),
      );
      expect(names).toEqual([{ name: 'own' }]);
      if (login === 'hosted') {
        // A member's own token, as PostgREST would use it.
        const claims = { sub: userId, app_metadata: { tenant_id: tenant.id } };
        const seen = await database.asOwner(async (tx) => {
          await tx.query(`select set_config('request.jwt.claims', $1, true)`, [
            JSON.stringify(claims),
          ]);
          await tx.run('set local role authenticated');
          return tx.query('select name from daybook.tenants');
        });
        expect(seen).toEqual([{ name: 'own' }]);
      }
    } finally {
      await database.close();
    }
  });

  it('gives each part of before a place, though policies bind it on its own tables', async () => {
    const { url, admin } = await hostedDatabase('plain');
    await migrate(url);
    // As it was before the index had a row per file, with parts of that time.
    await ask(
      admin,
      `drop table daybook.part_pins;
       alter table daybook.parts drop constraint parts_pkey, drop column path,
         add primary key (tenant_id, key);
       drop index daybook.parts_key, daybook.part_totals_used, daybook.files_expiring,
         daybook.files_path, daybook.idempotency_keys_created;
       alter table daybook.part_totals drop column dataset, drop column window_start,
         drop column window_end, drop column last_used_at;
       delete from supabase_migrations.schema_migrations where version = '20261125000100';
       insert into daybook.tenants (id, name, title)
         values ('11111111-1111-4111-8111-111111111111', 't', 'T');
       insert into daybook.parts (tenant_id, key, kind, dataset, local_date, window_start,
           window_end, bytes, manifest)
         select '11111111-1111-4111-8111-111111111111', key, kind, 'calls', '2026-01-01', now(),
           now(), 1, manifest::jsonb
         from (values ('aa1', 'rows', '{"path": "parts/here.rows"}'),
           ('bb2', 'fragment', '{"pieces": [{"path": "parts/there.fragment"}]}'),
           ('cc3', 'fragment', '{"pieces": []}')) as old (key, kind, manifest)`,
    );
    expect(await migrate(url)).toEqual(['20261125000100']);
    expect(await ask(admin, 'select key, path from daybook.parts order by key')).toEqual([
      { key: 'aa1', path: 'parts/here.rows' },
      { key: 'bb2', path: 'parts/there.fragment' },
      { key: 'cc3', path: 'parts/11111111-1111-4111-8111-111111111111/cc/cc3.fragment' },
    ]);
  });

  it('for whom the roles were not granted is told how to get them', async () => {
    await ask(server.url, `create role stranger login password 'x' createrole`);
    const { url } = await hostedDatabase('stranger');
    await expect(migrate(url)).rejects.toMatchObject({
      code: 'E_INTERNAL',
      message: expect.stringContaining('grant daybook_tenant, daybook_system to stranger'),
    });
  });
});

describe('migrating', () => {
  it('applies every file once, in order, and writes nothing when all are there', async () => {
    const url = await emptyDatabase();
    const files = (await inspectMigrations(url)).map(({ version }) => version);
    expect(files).toEqual([...files].sort());
    expect(await migrate(url)).toEqual(files);
    await ask(
      url,
      `alter database ${url.split('/').at(-1)} set default_transaction_read_only = on`,
    );
    expect(await migrate(url)).toEqual([]);
  });

  it('from several processes at once applies each file once', async () => {
    const url = await emptyDatabase();
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
    const files = (await inspectMigrations(url)).map(({ version }) => version);
    expect(applied.flat().sort()).toEqual(files);
  });

  it('keeps the ledger of `supabase db push`, and accepts what that has applied', async () => {
    const url = await emptyDatabase();
    await migrate(url);
    const [row] = await ask<{ version: string; name: string; statements: string[] }>(
      url,
      'select version, name, statements from supabase_migrations.schema_migrations order by 1 limit 1',
    );
    expect(row).toMatchObject({ version: '20261121000000', name: 'control_plane' });
    // The other way keeps statements one by one, without comments between and semicolons after.
    await ask(
      url,
      `update supabase_migrations.schema_migrations
       set statements = array(select btrim(s) from unnest(string_to_array(
         regexp_replace(statements[1], '--[^\\n]*', '', 'g'), ';')) s)`,
    );
    expect(await migrate(url)).toEqual([]);
  });

  it('refuses a file that was changed after it was applied, by its name', async () => {
    const url = await emptyDatabase();
    await migrate(url);
    await ask(
      url,
      `update supabase_migrations.schema_migrations
       set statements = array[replace(statements[1], 'title text', 'titel text')]
       where name = 'control_plane'`,
    );
    await expect(migrate(url)).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining(
        'migrations/20261121000000_control_plane.sql: got a file that',
      ),
    });
  });

  it('warns of a version that only the ledger knows, and goes on', async () => {
    const url = await emptyDatabase();
    await migrate(url);
    await ask(
      url,
      `insert into supabase_migrations.schema_migrations values ('29990101000000', null, 'newer')`,
    );
    const warnings: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(line) });
    expect(await migrate(url, { log })).toEqual([]);
    expect(warnings.join()).toContain('29990101000000');
    expect((await inspectMigrations(url)).at(-1)).toMatchObject({
      name: 'newer',
      state: 'unknown',
    });
  });

  it('that fails leaves nothing of that file behind, and says which it was', async () => {
    const url = await emptyDatabase();
    await ask(url, 'create schema daybook; create table daybook.runs ()');
    await expect(migrate(url)).rejects.toMatchObject({
      code: 'E_INTERNAL',
      message: expect.stringContaining('control_plane.sql: schema "daybook" already exists'),
    });
    expect((await inspectMigrations(url)).map(({ state }) => state)).not.toContain('applied');
  });

  it('of a database that does not answer is E_UNAVAILABLE', async () => {
    await expect(migrate('postgres://x:x@127.0.0.1:1/x')).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
    });
  });
});
