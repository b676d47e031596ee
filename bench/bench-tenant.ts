import { pino } from 'pino';
import { createApiKey } from '../src/store/api-keys.ts';
import { openDatabase } from '../src/store/database.ts';
import { migrate } from '../src/store/migrate.ts';
import { addTenant } from '../src/store/tenants.ts';

/** 31 days of calls of a tenant, one of them 23 hours long. */
export const BENCH_PERIOD = { from: '2026-03-01', to: '2026-03-31' } as const;
export const BENCH_DAYS = Array.from(
  { length: 31 },
  (_, index) => `2026-03-${String(index + 1).padStart(2, '0')}`,
);
export const BENCH_ZONE = 'America/New_York';

export interface BenchTenant {
  readonly tenantId: string;
  readonly name: string;
  readonly token: string;
  /** Makes every day changed, so that no part of it is valid any more. */
  forgetParts(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A migrated database with `rows` calls spread over the period, made by SQL. They vary as calls
 * do: numbers, names, empty fields, a fifth abandoned. No chance is involved.
 */
export async function openBenchTenant(databaseUrl: string, rows: number): Promise<BenchTenant> {
  const log = pino({ level: 'silent' });
  await migrate(databaseUrl, { log });
  const database = openDatabase({
    url: databaseUrl,
    maxConnections: 2,
    applicationName: 'daybook bench',
    log,
  });
  const name = 'bench';
  const { tenantId, token } = await database.asSystem(async (tx) => {
    const tenant = await addTenant(tx, { name, zone: BENCH_ZONE });
    const key = await createApiKey(tx, {
      tenantId: tenant.id,
      name: 'bench',
      scopes: ['admin'],
      createdBy: 'bench',
    });
    return { tenantId: tenant.id, token: key.token };
  });
  const unhurried = { statementTimeoutMs: 600_000 };
  await database.asTenant(tenantId, (tx) => tx.run(FILL, [tenantId, rows]), unhurried);
  await database.asTenant(tenantId, async (tx) => {
    await tx.run(
      `insert into daybook.dataset_marks (tenant_id, dataset, complete_through)
       values ($1, 'calls', '2026-05-01T00:00:00Z')`,
      [tenantId],
    );
  });
  await database.asOwner((tx) => tx.run('analyze daybook.calls'), unhurried);
  return {
    tenantId,
    name,
    token,
    forgetParts: () =>
      database.asTenant(tenantId, async (tx) => {
        await tx.run('update daybook.data_hours set version = version + 1');
      }),
    close: () => database.close(),
  };
}

const FILL = `
  with spaced as (
    select i, timestamptz '2026-03-01 00:00 ${BENCH_ZONE}'
        + make_interval(secs => floor(i * extract(epoch from
            timestamptz '2026-04-01 00:00 ${BENCH_ZONE}' - timestamptz '2026-03-01 00:00 ${BENCH_ZONE}') / $2))
        as started_at,
      i % 5 = 4 as abandoned, i * 7919 % 600 as talk, i * 31 % 90 as wait
    from generate_series(0, $2::bigint - 1) i
  )
  insert into daybook.calls (tenant_id, external_id, started_at, queued_at, answered_at, ended_at,
    direction, caller, callee, queue, agent, trunk, disposition, wait_seconds, talk_seconds)
  select $1::uuid, 'b-' || lpad(i::text, 8, '0'), started_at,
    started_at + interval '8 seconds',
    case when not abandoned then started_at + make_interval(secs => 8 + wait) end,
    started_at + make_interval(secs => 8 + wait + case when abandoned then 0 else talk end),
    'inbound',
    case when i % 50 <> 7 then '+1' || 200 + i % 700 || '55501' || lpad((i % 100)::text, 2, '0') end,
    '+12125550140',
    (array['sales', 'support', 'billing', 'returns'])[1 + i % 4],
    case when not abandoned then (array['Ana Ribeiro', 'Chloé Martin', 'Hugh O''Connell',
      'Isabel Núñez', 'Kavita Rao', 'Lindqvist, Jonas', 'Mei Tanaka'])[1 + i % 7] end,
    'atlantic-' || 1 + i % 2,
    case when abandoned then 'abandoned' else 'answered' end,
    wait, case when not abandoned then talk end
  from spaced`;
