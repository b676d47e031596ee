import type { Database } from '../../../src/store/database.ts';
import type { TestTenant } from '../../support/database.ts';
import { BANK, SHOP } from '../../support/real-figures.ts';

/** What is known of the real files, asked of the tables. */

export function callFigures(database: Database, tenant: TestTenant, from: string, to: string) {
  return database.asTenant(tenant.id, async (tx) => {
    const local = `(started_at at time zone '${BANK.zone}')::date`;
    const within = `where ${local} between '${from}' and '${to}'`;
    const length = 'extract(epoch from ended_at - started_at)::int';
    const [sums] = await tx.query(
      `select count(*)::int as rows, count(*) filter (where disposition = 'answered')::int as answered,
         count(*) filter (where disposition = 'abandoned')::int as abandoned,
         count(*) filter (where disposition = 'ignored')::int as ignored,
         (sum(talk_seconds) filter (where disposition = 'answered'))::int as "talkOfAnswered",
         sum(wait_seconds)::int as wait, count(answered_at)::int as "withAnsweredAt",
         sum(${length})::int as duration, count(distinct ${local})::int as "daysWithCalls"
       from daybook.calls ${within}`,
    );
    const [longest] = await tx.query<{ external_id: string; seconds: number }>(
      `select external_id, ${length} as seconds from daybook.calls ${within} order by 2 desc limit 1`,
    );
    const [busiest] = await tx.query<{ day: string; calls: number }>(
      `select ${local}::text as day, count(*)::int as calls from daybook.calls ${within}
       group by 1 order by 2 desc limit 1`,
    );
    return {
      ...sums,
      longest: [longest.external_id, longest.seconds],
      busiest: [busiest.day, busiest.calls],
    };
  });
}

export async function salesByMonth(
  database: Database,
  tenant: TestTenant,
): Promise<Record<string, string>> {
  const months = await database.asTenant(tenant.id, (tx) =>
    tx.query<{ month: string; net: string }>(
      `select to_char(ordered_at at time zone '${SHOP.zone}', 'YYYY-MM') as month,
         trim_scale(sum(quantity * unit_price))::text as net
       from daybook.order_lines group by 1 order by 1`,
    ),
  );
  return Object.fromEntries(months.map(({ month, net }) => [month, net]));
}

export function refusedRows(database: Database, tenant: TestTenant) {
  return database.asTenant(tenant.id, (tx) =>
    tx.query<{ reason: string; line: string }>(
      `select reason, raw ->> 'line' as line from daybook.rejects order by id`,
    ),
  );
}
