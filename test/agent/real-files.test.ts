import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load } from '../ingest/support/load.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';
import { BANK, BANK_MONTHS, SHOP } from '../support/real-figures.ts';
import { docsMap } from '../support/real-loads.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { configFor, onceWith, temporaryFolder } from './support/agents.ts';
import { type Fault, type Receiver, startReceiver } from './support/receiver.ts';

/** The real files, pushed by the agent through a network that is cut again and again. */

const CUTS = 50;
const KINDS: readonly Fault[] = ['cut_before', 'cut_midway', 'cut_after'];

let test: TestDatabase;
let state: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  test = await freshDatabase();
  state = temporaryFolder();
});
afterAll(async () => {
  state.remove();
  await test.drop();
});

describe.skipIf(!hasSharedData)('real files, the network cut 50 times', () => {
  it('both months and the sales arrive with the published figures, and no row twice', async () => {
    const bank = await addTestTenant(test.database, { name: 'bank', zone: BANK.zone });
    const shop = await addTestTenant(test.database, { name: 'shop', zone: SHOP.zone });
    let cuts = 0;
    const fault = (request: number): Fault | null =>
      request % 3 === 0 && cuts < CUTS ? KINDS[cuts++ % KINDS.length] : null;
    const receiver = await startReceiver({ fault });
    try {
      const common = { type: 'files', settle_seconds: 0 };
      const config = configFor(
        receiver,
        state.path,
        [
          {
            ...{ ...common, name: 'bank', dataset: 'calls', map: docsMap(BANK.map) },
            ...{ folder: sharedData('calls'), pattern: 'anonymousbank-*.tsv.gz' },
          },
          {
            ...{ ...common, name: 'shop', dataset: 'order_lines', map: docsMap(SHOP.map) },
            ...{ folder: sharedData('sales'), pattern: '*.csv.gz' },
          },
        ],
        { limits: { batch_rows: 2_500 } },
      );
      const outcomes = await onceWith(config);
      expect(outcomes).toMatchObject([
        { source: 'bank', error: null, waiting: 0, taken: 31_599 + 34_625, refused: 2 },
        { source: 'shop', error: null, waiting: 0, taken: SHOP.rows, refused: 0 },
      ]);
      expect(receiver.faults()).toBe(CUTS);
      expect(receiver.repeats()).toBe(Math.floor(CUTS / 3));
      const once = { updated: 0, unchanged: 0, superseded: 0 };
      const calls = BANK_MONTHS[0].figures.rows + BANK_MONTHS[1].figures.rows;
      expect(await store(receiver, bank, 'calls')).toMatchObject({
        ...{ ...once, loaded: calls, rejected: 2 },
      });
      expect(await store(receiver, shop, 'order_lines')).toMatchObject({
        ...{ ...once, loaded: SHOP.rows, rejected: 0 },
      });

      const before = receiver.requests();
      expect(await onceWith(config)).toMatchObject([{ taken: 0 }, { taken: 0 }]);
      expect(receiver.requests()).toBe(before);
    } finally {
      await receiver.close();
    }
    for (const { from, to, figures } of BANK_MONTHS) {
      expect(await callFigures(bank, from, to)).toEqual(figures);
    }
    expect(await salesByMonth(shop)).toEqual(SHOP.netByMonth);
    const rejects = await test.database.asTenant(bank.id, (tx) =>
      tx.query<{ reason: string; line: string }>(
        `select reason, raw ->> 'line' as line from daybook.rejects order by id`,
      ),
    );
    expect(rejects.map(({ reason }) => reason)).toEqual(
      Array(2).fill('the row has 16 fields; expected 17'),
    );
    expect(rejects.every(({ line }) => /\\t(?:3892|10486)\\t/.test(line))).toBe(true);
  });
});

/** All that was taken of a dataset, loaded as one file. */
function store({ taken }: Receiver, tenant: TestTenant, dataset: 'calls' | 'order_lines') {
  const texts = taken.filter(({ path }) => path === `/v1/ingest/${dataset}`);
  const all = texts.map(({ text }) => text).join('');
  return load(test.database, tenant, all, { dataset, name: 'taken.ndjson' });
}

function callFigures(tenant: TestTenant, from: string, to: string) {
  return test.database.asTenant(tenant.id, async (tx) => {
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

async function salesByMonth(tenant: TestTenant): Promise<Record<string, string>> {
  const months = await test.database.asTenant(tenant.id, (tx) =>
    tx.query<{ month: string; net: string }>(
      `select to_char(ordered_at at time zone '${SHOP.zone}', 'YYYY-MM') as month,
         trim_scale(sum(quantity * unit_price))::text as net
       from daybook.order_lines group by 1 order by 1`,
    ),
  );
  return Object.fromEntries(months.map(({ month, net }) => [month, net]));
}
