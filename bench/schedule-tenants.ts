import { pino } from 'pino';
import { createApiKey } from '../src/store/api-keys.ts';
import { openDatabase } from '../src/store/database.ts';
import { migrate } from '../src/store/migrate.ts';
import { addSchedule, type RawNamedSchedule } from '../src/store/save-schedule.ts';
import { addTenant, type Tenant } from '../src/store/tenants.ts';
import { localDateOf } from '../src/time/day.ts';
import { localTextOf } from '../src/time/local-time.ts';
import type { Asker } from './mixed-requests.ts';

/** Tenants with calls of yesterday, from very few to very many, and their schedules. */
export interface ScheduleTenants {
  readonly all: readonly (Asker & { readonly tenant: Tenant })[];
  /** Of all together. */
  readonly rows: number;
  /** Saves so many schedules of each, all due at the first full minute after `inMs`; when that is. */
  schedule(each: number, inMs: number): Promise<number>;
  /** Whether everybody's yesterday was made ahead, and nothing of it is under way. */
  isMadeAhead(): Promise<boolean>;
  /** What is under way, in one line. */
  describe(): Promise<string>;
  close(): Promise<void>;
}

const FEWEST = 10;
const MOST = 50_000;
/** The clocks show about noon: nobody's day ends meanwhile. */
const NOON = 12;

/** What each tenant has for its yesterday: both forms, two languages, a choice of columns, a filter. */
const FORMS: readonly RawNamedSchedule[] = [
  { report: 'calls', format: 'csv' },
  { report: 'calls', format: 'xlsx' },
  { report: 'calls', format: 'csv', columns: ['started_at', 'caller', 'queue', 'talk_seconds'] },
  { report: 'calls', format: 'xlsx', locale: 'pt-BR' },
  { report: 'calls', format: 'csv', where: [{ field: 'queue', op: '=', values: ['sales'] }] },
];

/** From few to many in even ratios, as companies are: half have fewer than 710 calls. */
function rowsOf(number: number, tenants: number): number {
  return Math.round(FEWEST * (MOST / FEWEST) ** (number / (tenants - 1)));
}

export async function openScheduleTenants(
  databaseUrl: string,
  tenants: number,
): Promise<ScheduleTenants> {
  const log = pino({ level: 'silent' });
  await migrate(databaseUrl, { log });
  const database = openDatabase({
    ...{ url: databaseUrl, maxConnections: 4, applicationName: 'daybook bench', log },
  });
  const hour = new Date().getUTCHours();
  const zone = `Etc/GMT${hour >= NOON ? '+' : '-'}${Math.abs(hour - NOON)}`;
  const today = localDateOf(zone, Date.now());
  const date = localDateOf(zone, Date.now() - 86_400_000);
  const all: (Asker & { tenant: Tenant })[] = [];
  let rows = 0;
  const unhurried = { statementTimeoutMs: 600_000 };
  for (let number = 0; number < tenants; number++) {
    const { tenant, token } = await database.asSystem(async (tx) => {
      const added = await addTenant(tx, { name: `tenant-${number}`, zone });
      const of = { tenantId: added.id, name: 'bench', scopes: ['admin'] };
      const key = await createApiKey(tx, { ...of, createdBy: 'operator:cli' });
      return { tenant: added, token: key.token };
    });
    const calls = rowsOf(number, tenants);
    await database.asTenant(
      tenant.id,
      async (tx) => {
        await tx.run(FILL, [tenant.id, calls, date, zone]);
        await tx.run(
          `insert into daybook.dataset_marks (tenant_id, dataset, complete_through)
           values ($1, 'calls', $2::timestamp at time zone $3)`,
          [tenant.id, today, zone],
        );
      },
      unhurried,
    );
    all.push({ tenant, token, date });
    rows += calls;
  }
  await database.asOwner((tx) => tx.run('analyze daybook.calls'), unhurried);

  return {
    all,
    rows,
    async schedule(each, inMs) {
      const dueAt = Math.ceil((Date.now() + inMs) / 60_000) * 60_000;
      const at = localTextOf(zone, dueAt).slice(11, 16);
      for (const [number, { tenant }] of all.entries()) {
        await database.asTenant(tenant.id, async (tx) => {
          for (let n = 0; n < each; n++) {
            await addSchedule(
              tx,
              {
                ...FORMS[n % FORMS.length],
                ...{ name: `daily ${n}`, period: 'yesterday', every: 'day', at },
                recipients: [{ email: `t${number}-s${n}@example.com` }],
              },
              { tenant, owner: 'operator:cli', now: Date.now() },
            );
          }
        });
      }
      return dueAt;
    },
    async isMadeAhead() {
      const [{ made, open }] = await database.asOwner((tx) =>
        tx.query<{ made: number; open: number }>(
          `select count(distinct tenant_id) filter (where state = 'done')::int as made,
             count(*) filter (where state in ('queued', 'running'))::int as open
           from daybook.runs where work_class = 'precache'`,
        ),
      );
      return made === all.length && open === 0;
    },
    async describe() {
      const states = await database.asOwner((tx) =>
        tx.query<{ of: string; state: string; count: string }>(
          `select 'run' as of, state, count(*) from daybook.runs
             where work_class = 'scheduled' group by state
           union all select 'delivery', state, count(*) from daybook.deliveries group by state`,
        ),
      );
      return states.map(({ of, state, count }) => `${of} ${state} ${count}`).join(', ');
    },
    close: () => database.close(),
  };
}

const FILL = `
  insert into daybook.calls (tenant_id, external_id, started_at, queued_at, answered_at, ended_at,
    direction, caller, callee, queue, agent, disposition, wait_seconds, talk_seconds)
  select $1::uuid, 'b-' || lpad(i::text, 8, '0'), at, at + interval '8 seconds',
    at + make_interval(secs => 8 + i * 31 % 90),
    at + make_interval(secs => 8 + i * 31 % 90 + i * 7919 % 600), 'inbound',
    '+1' || 200 + i % 700 || '55501' || lpad((i % 100)::text, 2, '0'), '+12125550140',
    (array['sales', 'support', 'billing', 'returns'])[1 + i % 4],
    (array['Ana Ribeiro', 'Chloé Martin', 'Hugh O''Connell', 'Isabel Núñez', 'Kavita Rao',
      'Lindqvist, Jonas', 'Mei Tanaka'])[1 + i % 7],
    'answered', i * 31 % 90, i * 7919 % 600
  from generate_series(0, $2::int - 1) i,
    lateral (select $3::timestamp at time zone $4
      + make_interval(secs => i * 86399.0 / $2::int) as at) t`;
