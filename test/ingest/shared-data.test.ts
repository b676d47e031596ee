import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { docsMap, load } from './support/load.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const JERUSALEM = 'Asia/Jerusalem';
const MONTHS = [
  {
    month: 'january',
    rows: 31_599,
    rejected: 0,
    answered: '27060',
    abandoned: '4299',
    ignored: '240',
    talk: '4964204',
    wait: '1155763',
    with_answer: '27018',
    length: '6430652',
    longest: { external_id: 'AA0201-34282', seconds: '5317' },
    days: 29,
    busiest: { day: '1999-01-03', calls: '2111' },
  },
  {
    month: 'october',
    rows: 34_623,
    rejected: 2,
    answered: '30861',
    abandoned: '3615',
    ignored: '147',
    talk: '5558279',
    wait: '919957',
    with_answer: '30838',
    length: '6826941',
    longest: { external_id: 'AA0213-28834', seconds: '25254' },
    days: 31,
    busiest: { day: '1999-10-03', calls: '1824' },
  },
];

describe.skipIf(!hasSharedData)('real files', () => {
  for (const expected of MONTHS) {
    it(`a bank's calls of ${expected.month} load with the published figures, twice the same`, async () => {
      const tenant = await addTestTenant(test.database, { name: expected.month, zone: JERUSALEM });
      const path = sharedData(`calls/anonymousbank-1999-${expected.month}.tsv.gz`);
      const map = await docsMap('anonymousbank-calls');
      const first = await load(test.database, tenant, { path }, { map, zone: JERUSALEM });
      expect(first).toMatchObject({
        loaded: expected.rows,
        updated: 0,
        unchanged: 0,
        rejected: expected.rejected,
        superseded: 0,
        days: expected.days,
        flagged: { ambiguous: 0, not_utf8: 0 },
      });
      expect(await figuresOf(tenant)).toEqual({
        answered: expected.answered,
        abandoned: expected.abandoned,
        ignored: expected.ignored,
        talk: expected.talk,
        wait: expected.wait,
        with_answer: expected.with_answer,
        length: expected.length,
        longest: expected.longest,
        busiest: expected.busiest,
      });
      const before = await hoursOf(tenant);
      expect(await load(test.database, tenant, { path }, { map, zone: JERUSALEM })).toMatchObject({
        loaded: 0,
        updated: 0,
        unchanged: expected.rows,
        rejected: expected.rejected,
      });
      expect(await hoursOf(tenant)).toEqual(before);
      const rejects = await rejectsOf(tenant);
      expect(rejects.length).toBe(expected.rejected);
      for (const reject of rejects) {
        expect(reject).toMatchObject({
          code: 'row_shape',
          reason: 'the row has 16 fields; expected 17',
        });
        expect(reject.raw.line).toMatch(/\t(3892|10486)\t/);
      }
    });
  }

  it('half a year of sales loads with the exact sums by month, credits and adjustments told apart', async () => {
    const tenant = await addTestTenant(test.database, { name: 'retail', zone: 'Europe/London' });
    const path = sharedData('sales/online-retail-2010-12-to-2011-06.csv.gz');
    const options = {
      dataset: 'order_lines' as const,
      map: await docsMap('online-retail'),
      zone: 'Europe/London',
    };
    const first = await load(test.database, tenant, { path }, options);
    expect(first).toMatchObject({ loaded: 245_903, updated: 0, unchanged: 0, rejected: 0 });
    const months = await test.database.asTenant(tenant.id, (tx) =>
      tx.query(
        `select trim_scale(sum(quantity * unit_price))::text as net
         from daybook.order_lines
         group by date_trunc('month', ordered_at at time zone 'Europe/London') order by date_trunc('month', ordered_at at time zone 'Europe/London')`,
      ),
    );
    expect(months.map((month) => Number(month.net).toFixed(3))).toEqual([
      '748957.020',
      '560000.260',
      '498062.650',
      '683267.080',
      '493207.121',
      '723333.510',
      '691123.120',
    ]);
    const [total] = await test.database.asTenant(tenant.id, (tx) =>
      tx.query(
        `select trim_scale(sum(quantity * unit_price))::text as net,
           bool_and((order_id ~ '^C') = (kind = 'credit')) as credits,
           bool_and((order_id ~ '^A') = (kind = 'adjustment')) as adjustments,
           bool_or(description ~ ' $') as keeps_spaces
         from daybook.order_lines`,
      ),
    );
    expect(total).toEqual({
      net: '4397950.761',
      credits: true,
      adjustments: true,
      keeps_spaces: true,
    });
    expect(await load(test.database, tenant, { path }, options)).toMatchObject({
      loaded: 0,
      updated: 0,
      unchanged: 245_903,
    });
  });

  it("Asterisk's 84 legs load, the eight lines of another encoding too", async () => {
    const tenant = await addTestTenant(test.database, { name: 'asterisk', zone: 'UTC' });
    const path = sharedData('cdr/asterisk-master.csv');
    const map = await docsMap('asterisk-cdr');
    expect(await load(test.database, tenant, { path }, { map })).toMatchObject({
      loaded: 84,
      rejected: 0,
      flagged: { ambiguous: 0, not_utf8: 8 },
    });
    const [found] = await test.database.asTenant(tenant.id, (tx) =>
      tx.query(
        `select count(*) filter (where disposition = 'answered')::int as answered,
           count(answered_at)::int as with_answer, max(extra ->> 'clid') filter (where extra ? '_flags') as clid
         from daybook.calls`,
      ),
    );
    expect(found).toEqual({ answered: 37, with_answer: 37, clid: '"7000000029¥¥P" <70000000022>' });
  });

  it("FreeSWITCH's 10 rows load, also those that share a uuid", async () => {
    const tenant = await addTestTenant(test.database, { name: 'freeswitch', zone: 'UTC' });
    const path = sharedData('cdr/freeswitch-cdr.csv');
    const map = await docsMap('freeswitch-cdr');
    expect(await load(test.database, tenant, { path }, { map })).toMatchObject({
      loaded: 10,
      rejected: 0,
    });
  });
});

async function figuresOf(tenant: TestTenant) {
  return test.database.asTenant(tenant.id, async (tx) => {
    const [sums] = await tx.query(
      `select count(*) filter (where disposition = 'answered') as answered,
         count(*) filter (where disposition = 'abandoned') as abandoned,
         count(*) filter (where disposition = 'ignored') as ignored,
         sum(talk_seconds) filter (where disposition = 'answered')::text as talk,
         sum(wait_seconds)::text as wait, count(answered_at) as with_answer,
         trim_scale(sum(extract(epoch from ended_at - started_at)))::text as length
       from daybook.calls`,
    );
    const [longest] = await tx.query(
      `select external_id, trim_scale(extract(epoch from ended_at - started_at))::text as seconds
       from daybook.calls order by ended_at - started_at desc limit 1`,
    );
    const [busiest] = await tx.query(
      `select to_char(started_at at time zone 'Asia/Jerusalem', 'YYYY-MM-DD') as day, count(*) as calls
       from daybook.calls group by 1 order by 2 desc limit 1`,
    );
    return { ...sums, longest, busiest };
  });
}

function hoursOf(tenant: TestTenant) {
  return test.database.asTenant(tenant.id, (tx) =>
    tx.query('select hour, version, row_count from daybook.data_hours order by hour'),
  );
}

function rejectsOf(tenant: TestTenant) {
  return test.database.asTenant(tenant.id, (tx) =>
    tx.query<{ code: string; reason: string; raw: { line: string } }>(
      'select code, reason, raw from daybook.rejects order by id',
    ),
  );
}
