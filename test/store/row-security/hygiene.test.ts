import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { FUNCTIONS, SEQUENCES, TABLES, VIEWS } from './objects.ts';

/** The catalogue, after the rules of Supabase's database linter. Each query lists offenders. */

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const look = (sql: string) =>
  test.database.asOwner(async (tx) => (await tx.query<{ name: string }>(sql)).map((r) => r.name));

const relations = (kinds: string) =>
  look(`select relname as name from pg_class
        where relnamespace = 'daybook'::regnamespace and relkind in (${kinds}) order by 1`);

describe('the schema', () => {
  it('has no table, view, sequence or function that the probe does not list', async () => {
    expect(await relations(`'r', 'p', 'f'`)).toEqual(Object.keys(TABLES).sort());
    expect(await relations(`'v', 'm'`)).toEqual([...VIEWS].sort());
    expect(await relations(`'S'`)).toEqual([...SEQUENCES].sort());
    expect(
      await look(`select proname as name from pg_proc
                  where pronamespace = 'daybook'::regnamespace order by 1`),
    ).toEqual(Object.keys(FUNCTIONS).sort());
  });
});

describe('each table', () => {
  it('has row-level security, forced on its owner too', async () => {
    expect(
      await look(`select relname as name from pg_class
                  where relnamespace = 'daybook'::regnamespace and relkind in ('r', 'p')
                    and not (relrowsecurity and relforcerowsecurity)`),
    ).toEqual([]);
  });

  it('has an index that begins with its tenant', async () => {
    expect(
      await look(`select a.attrelid::regclass::text as name from pg_attribute a
                  join pg_class c on c.oid = a.attrelid
                    and c.relnamespace = 'daybook'::regnamespace and c.relkind = 'r'
                  where a.attname = 'tenant_id' and not exists (
                    select from pg_index i where i.indrelid = a.attrelid
                      and i.indkey[0] = a.attnum and i.indpred is null)`),
    ).toEqual([]);
  });

  it('has an index for each foreign key', async () => {
    expect(
      await look(`select f.conname as name from pg_constraint f
                  where f.connamespace = 'daybook'::regnamespace and f.contype = 'f'
                    and not exists (
                      select from pg_index i where i.indrelid = f.conrelid
                        and (i.indkey::int2[])[0:cardinality(f.conkey) - 1] = f.conkey)`),
    ).toEqual([]);
  });

  it('grants nothing to everybody or to anon', async () => {
    expect(
      await look(`select c.relname as name from pg_class c, aclexplode(c.relacl) g
                  where c.relnamespace = 'daybook'::regnamespace
                    and g.grantee in (0, 'anon'::regrole)`),
    ).toEqual([]);
  });

  it('with two policies of one role for one verb does not exist: they would be joined by OR', async () => {
    expect(
      await look(`select polrelid::regclass || ' ' || role::regrole as name
                  from pg_policy, unnest(polroles) role,
                    unnest(case polcmd when '*' then array['r', 'a', 'w', 'd'] else array[polcmd::text] end) verb
                  where polpermissive group by polrelid, role, verb having count(*) > 1`),
    ).toEqual([]);
  });
});

describe('each policy', () => {
  const policies = `from pg_policy p join pg_class c on c.oid = p.polrelid
    where c.relnamespace = 'daybook'::regnamespace`;

  it('names its roles', async () => {
    expect(await look(`select polname as name ${policies} and 0 = any (polroles)`)).toEqual([]);
  });

  it('that lets write checks what is written', async () => {
    expect(
      await look(`select polname as name ${policies}
                  and polcmd in ('*', 'a', 'w') and polwithcheck is null`),
    ).toEqual([]);
  });

  it('calls functions once per statement, not per row', async () => {
    const expressions = await look(
      `select coalesce(pg_get_expr(polqual, polrelid), '') || ' ' ||
         coalesce(pg_get_expr(polwithcheck, polrelid), '') as name ${policies}`,
    );
    expect(expressions.some((text) => text.includes('claimed_tenant_id()'))).toBe(true);
    const outside = expressions.map((text) => text.replace(/\( SELECT [\w.]+\(\) AS \w+\)/g, ''));
    expect(outside.filter((text) => /\w\(/.test(text))).toEqual([]);
  });
});

describe('each function', () => {
  it('runs with the rights of its caller', async () => {
    expect(
      await look(`select proname as name from pg_proc
                  where pronamespace = 'daybook'::regnamespace and prosecdef`),
    ).toEqual([]);
  });

  it('has an empty search path', async () => {
    expect(
      await look(`select proname as name from pg_proc
                  where pronamespace = 'daybook'::regnamespace
                    and not coalesce(proconfig, '{}') @> array['search_path=""']`),
    ).toEqual([]);
  });

  it('may be called by the roles that are listed', async () => {
    const found: Record<string, string[]> = Object.fromEntries(
      Object.keys(FUNCTIONS).map((name) => [name, []]),
    );
    const grants = await look(
      `select p.proname || ' ' || case g.grantee when 0 then 'public' else g.grantee::regrole::text end as name
       from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
       where p.pronamespace = 'daybook'::regnamespace
         and g.grantee not in (p.proowner, 'service_role'::regrole) order by 1`,
    );
    for (const [name, role] of grants.map((grant) => grant.split(' '))) found[name].push(role);
    expect(found).toEqual(FUNCTIONS);
  });
});

describe('each view', () => {
  it('reads with the rights of who asks', async () => {
    expect(
      await look(`select relname as name from pg_class
                  where relnamespace = 'daybook'::regnamespace and relkind in ('v', 'm')
                    and not coalesce(reloptions, '{}') @> array['security_invoker=true']`),
    ).toEqual([]);
  });
});

describe('a tenant’s query of one day without a tenant filter', () => {
  it('finds its calls by the index of days, with the tenant looked up once', async () => {
    await test.database.asOwner(async (tx) => {
      await tx.run(`insert into daybook.tenants (id, name, title)
        select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 't' || n, 'T'
        from generate_series(1, 50) n`);
      await tx.run(`insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition)
        select ('00000000-0000-4000-8000-' || lpad((1 + n % 50)::text, 12, '0'))::uuid, n::text,
          at, at, 'answered'
        from generate_series(1, 40000) n,
          lateral (select timestamptz '2026-01-01Z' + n * interval '1 minute' as at) moment`);
      await tx.run('analyze daybook.calls');
    });
    const lines = await test.database.asTenant('00000000-0000-4000-8000-000000000007', (tx) =>
      tx.query<{ 'QUERY PLAN': string }>(
        `explain select * from daybook.calls
         where started_at >= $1 and started_at < $2 order by started_at, external_id`,
        ['2026-01-10T00:00:00Z', '2026-01-11T00:00:00Z'],
      ),
    );
    const plan = lines.map((line) => line['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index Scan (using|on) calls_day/);
    expect(plan).toMatch(
      /Index Cond: \(\(tenant_id = (\(InitPlan 1\)\.col1|\$0)\) AND \(started_at/,
    );
    expect(plan).not.toMatch(/Seq Scan|SubPlan|Filter/);
  });
});
