import { createHmac, randomUUID } from 'node:crypto';
import { PRESETS } from '../../../src/principals/permissions.ts';
import { ROLES } from '../../../src/principals/principal.ts';
import { createApiKey } from '../../../src/store/api-keys.ts';
import type { Database } from '../../../src/store/database.ts';
import { postEntry } from '../../../src/store/ledger-postings.ts';
import { addMember, addOperator, removeMember } from '../../../src/store/members.ts';
import { putPayer } from '../../../src/store/payers.ts';
import { lockPeriod } from '../../../src/store/period-locks.ts';
import { putAssignment, putPayerRule } from '../../../src/store/plan-rules.ts';
import { requireTenant } from '../../../src/store/tenants.ts';
import { load } from '../../ingest/support/load.ts';
import { ratingRig } from '../../scheduler/rating/support.ts';
import { addTestTenant, type TestDatabase, type TestTenant } from '../../support/database.ts';
import { startEngine } from '../../support/engine.ts';

/**
 * Two companies that have everything a tenant can have. Every text of one bears its canary, so
 * that a single value that strays is found.
 */

export const PERIOD = { from: '2026-03-01', to: '2026-03-02' };
export const REPORTS = [
  'calls',
  'queues',
  'agents',
  'traffic',
  'sales',
  'sales-daily',
  'products',
  'billing',
  'charges',
  'statement',
] as const;

export interface Company {
  readonly tenant: TestTenant;
  readonly canary: string;
  /** Everything that names something of it. */
  readonly ids: {
    run: string;
    key: string;
    user: string;
    load: string;
    file: string;
    rule: string;
    assignment: string;
    lock: string;
  };
  /** Tokens of keys by preset; a spare one is the one that `ids` names. */
  readonly keys: Readonly<Record<string, string>>;
  /** Users by role, `ex` of nobody who is a member now. */
  readonly users: Readonly<Record<string, string>>;
}

export const OPERATOR = '99999999-9999-4999-8999-999999999999';
export const JWT_SECRET = 'a secret of at least thirty-two characters';
export const JWT = {
  issuer: 'https://project.example/auth/v1',
  audience: 'authenticated',
  keys: { secret: JWT_SECRET },
};

export function tokenOf(user: string): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const seconds = Math.floor(Date.now() / 1000);
  const input = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({
    iss: JWT.issuer,
    aud: JWT.audience,
    sub: user,
    role: 'authenticated',
    iat: seconds - 60,
    exp: seconds + 3600,
  })}`;
  return `${input}.${createHmac('sha256', JWT_SECRET).update(input).digest('base64url')}`;
}

export async function twoTenants(
  test: TestDatabase,
  home: string,
): Promise<{ a: Company; b: Company }> {
  await test.database.asSystem((tx) => addOperator(tx, OPERATOR, 'operator@example.com'));
  return {
    a: await company(test.database, home, 'alpha-canary'),
    b: await company(test.database, home, 'beta-canary'),
  };
}

async function company(database: Database, home: string, canary: string): Promise<Company> {
  const tenant = await addTestTenant(database, { name: canary, zone: 'UTC' });
  const loaded = await loadAll(database, tenant, canary);
  const money = await billAll(database, tenant, canary);
  const keys: Record<string, string> = {};
  const users: Record<string, string> = {};
  let key = '';
  await database.asSystem(async (tx) => {
    for (const preset of [...PRESETS, 'spare' as const]) {
      const made = await createApiKey(tx, {
        tenantId: tenant.id,
        name: `${canary} ${preset}`,
        scopes: [preset === 'spare' ? 'read' : preset],
        createdBy: `user:${canary}`,
      });
      keys[preset] = made.token;
      key = made.id;
    }
    for (const role of [...ROLES, 'ex']) {
      const userId = randomUUID();
      users[role] = userId;
      await addMember(tx, {
        tenantId: tenant.id,
        userId,
        email: `${canary}-${role}@example.com`,
        roles: [role === 'ex' ? 'owner' : role],
      });
      if (role === 'ex') await removeMember(tx, tenant.id, userId);
    }
  });
  const engine = startEngine({ database, home });
  const made = [];
  for (const report of REPORTS) {
    made.push(
      await engine.export(tenant.id, {
        report,
        ...PERIOD,
        format: 'ndjson',
        where: report === 'calls' ? [`caller!=${canary}-nobody`] : [],
      }),
    );
  }
  await engine.stop();
  const [{ run, file }] = made;
  return {
    tenant,
    canary,
    ids: { run: run.id, key, user: users.viewer, load: loaded, file: file.id, ...money },
    keys,
    users,
  };
}

/** Calls and order lines, some of each refused. The ids of rows are the same for both companies. */
export async function loadAll(
  database: Database,
  tenant: TestTenant,
  canary: string,
): Promise<string> {
  const completeThrough = Date.UTC(2026, 2, 3);
  const calls = await load(database, tenant, callsOf(canary), {
    name: `${canary}-calls.csv`,
    completeThrough,
  });
  await load(database, tenant, linesOf(canary), {
    dataset: 'order_lines',
    name: `${canary}-lines.csv`,
    completeThrough,
  });
  return calls.load_id;
}

/** Rates, a payer, a rule, an assignment, charges, an entry, a lock: all that money has. */
async function billAll(database: Database, tenant: TestTenant, canary: string) {
  const rig = ratingRig(database, tenant);
  const plan = 'plan,prefix,valid_from,rate,direction,description';
  await rig.rates(`${plan}\nstandard,*,2026-03-01T00:00:00Z,0.06,inbound,${canary}-d\n`);
  const by = { tenantId: tenant.id, changedBy: `user:${canary}` };
  const ids = await database.asTenant(tenant.id, async (tx) => {
    await putPayer(tx, { tenantId: tenant.id, key: `${canary}-payer`, title: canary });
    const validFrom = null;
    const payer = `${canary}-payer`;
    const value = { matchBy: 'trunk', matchValue: `${canary}-t` };
    const rule = await putPayerRule(tx, { ...by, ...value, validFrom, payer });
    const assignment = await putAssignment(tx, {
      ...{ ...by, payer, direction: 'inbound', agent: null, validFrom, plan: 'standard' },
    });
    const lock = await lockPeriod(tx, {
      tenantId: tenant.id,
      period: { from: '2020-01-01', to: '2020-01-31' },
      reason: `${canary} signed off`,
      lockedBy: `user:${canary}`,
    });
    return { rule: rule.id, assignment: assignment.id, lock: lock.id };
  });
  await rig.pass();
  await database.asTenant(tenant.id, async (tx) => {
    await postEntry(
      tx,
      {
        ...{ kind: 'credit', payer: `${canary}-payer`, currency: 'USD', amount: '5' },
        ...{ effectiveOn: '2026-03-01', note: canary, source: `${canary}-payment` },
      },
      {
        tenant: await requireTenant(tx, tenant.id),
        postedBy: `user:${canary}`,
        now: Date.UTC(2026, 2, 3),
      },
    );
  });
  return ids;
}

function callsOf(canary: string): string {
  const lines = [
    'external_id,started_at,ended_at,direction,caller,callee,queue,agent,trunk,disposition,wait_seconds,talk_seconds,note',
  ];
  for (const row of [1, 2, 3, 4]) {
    const at = `2026-03-0${(row % 2) + 1}T1${row}:00`;
    lines.push(
      `${row},${at}:00Z,${at}:30Z,inbound,${canary}-r${row},${canary}-e,${canary}-q,${canary}-a,${canary}-t,answered,1,20,${canary}-n`,
    );
  }
  lines.push(`bad,yesterday,${canary}-ended,inbound,${canary}-refused,,,,,answered,,,${canary}`);
  return `${lines.join('\n')}\n`;
}

function linesOf(canary: string): string {
  const lines = [
    'order_id,line_no,ordered_at,status,kind,customer,sku,description,quantity,unit_price,currency,region,salesperson',
  ];
  for (const row of [1, 2, 3]) {
    lines.push(
      `o${row},1,2026-03-01T0${row}:00:00Z,paid,sale,${canary}-c,${canary}-s${row},${canary}-d,2,1.50,USD,${canary}-r,${canary}-p`,
    );
  }
  lines.push(`o4,x,${canary},paid,sale,${canary}-refused,,,,,,,`);
  return `${lines.join('\n')}\n`;
}

/** Every table of tenants with what a company has in it, as one text per table. */
export async function rowsOf(
  database: Database,
  company: Company,
): Promise<Readonly<Record<string, string>>> {
  return database.asOwner(async (tx) => {
    const tables = await tx.query<{ name: string; owner: string }>(
      `select c.table_name as name, c.column_name as owner
       from information_schema.columns c join information_schema.tables t
         on t.table_schema = c.table_schema and t.table_name = c.table_name
       where c.table_schema = 'daybook' and t.table_type = 'BASE TABLE'
         and (c.column_name = 'tenant_id' or (c.table_name = 'tenants' and c.column_name = 'id'))`,
    );
    const rows: Record<string, string> = {};
    for (const { name, owner } of tables) {
      const [{ sum }] = await tx.query<{ sum: string }>(
        `select count(*) || ' rows ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as sum
         from daybook.${name} t where t.${owner} = $1`,
        [company.tenant.id],
      );
      rows[name] = sum;
    }
    return rows;
  });
}

/** Whatever of a company stands in a text; empty: nothing. */
export function traces(text: string, company: Company): string[] {
  const marks = [
    new RegExp(company.canary.replace('-', '.?'), 'i'),
    ...[company.tenant.id, ...Object.values(company.ids), ...Object.values(company.users)].map(
      (id) => new RegExp(id),
    ),
  ];
  return marks.flatMap((mark) => mark.exec(text)?.[0] ?? []);
}
