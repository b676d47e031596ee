import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { load } from './support/load.ts';

/** Legs of calls: folded by Postgres, and once more here, in a plain way. */

let test: TestDatabase;
let tenants = 0;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());
const newTenant = () => addTestTenant(test.database, { name: `t${++tenants}`, zone: 'UTC' });

interface Leg {
  readonly uniqueid: string;
  readonly linkedid: string;
  readonly sequence: number;
  readonly src: string;
  readonly dst: string;
  readonly dstchannel: string;
  readonly lastapp: string;
  /** Epoch seconds; null: blank. */
  readonly start: number;
  readonly answer: number | null;
  readonly end: number;
  readonly billsec: number;
  readonly disposition: string;
}

const stamp = (seconds: number) =>
  new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
const lineOf = (leg: Leg) =>
  [
    ...[
      '',
      leg.src,
      leg.dst,
      'from-pstn',
      '',
      'SIP/trunk-0000000a',
      leg.dstchannel,
      leg.lastapp,
      '',
    ],
    ...[stamp(leg.start), leg.answer === null ? '' : stamp(leg.answer), stamp(leg.end)],
    ...[leg.end - leg.start, leg.billsec, leg.disposition, 'DOCUMENTATION', leg.uniqueid, '', ''],
    ...[leg.linkedid, leg.sequence],
  ]
    .map((cell) => `"${cell}"`)
    .join(',');
const fileOf = (legs: readonly Leg[]) => legs.map((leg) => `${lineOf(leg)}\n`).join('');
const loadLegs = (tenant: TestTenant, text: string | Buffer) =>
  load(test.database, tenant, text, { map: { preset: 'asterisk' }, name: 'Master.csv' });

const callsOf = (tenant: TestTenant) =>
  test.database.asTenant(tenant.id, (tx) =>
    tx.query(
      `select external_id, extract(epoch from started_at)::int as started,
         extract(epoch from answered_at)::int as answered, extract(epoch from ended_at)::int as ended,
         caller, callee, agent, disposition, talk_seconds::int as talk, (extra ->> 'legs')::int as legs
       from daybook.calls order by external_id`,
    ),
  );

const WORDS: Record<string, string> = {
  'NO ANSWER': 'no_answer',
  BUSY: 'busy',
  FAILED: 'failed',
  ANSWERED: 'answered',
};
const BEST = ['answered', 'voicemail', 'no_answer', 'busy', 'failed'];

/** What a call is, from the last state of each of its legs. */
function folded(all: readonly Leg[]) {
  const legs = [...new Map(all.map((leg) => [`${leg.uniqueid}-${leg.sequence}`, leg])).values()];
  return [...new Set(legs.map((leg) => leg.linkedid))]
    .map((id) => {
      const its = legs.filter((leg) => leg.linkedid === id);
      const order = (leg: Leg) => `${leg.uniqueid}-${leg.sequence}`;
      its.sort(
        (a, b) => a.start - b.start || a.sequence - b.sequence || (order(a) < order(b) ? -1 : 1),
      );
      const dialled = its.some((leg) => leg.dstchannel !== '');
      const judged = its.map((leg) => {
        const isMail = leg.disposition === 'ANSWERED' && leg.lastapp === 'VoiceMail';
        const word = isMail ? 'voicemail' : WORDS[leg.disposition];
        const counts = word !== 'answered' || leg.dstchannel !== '' || !dialled;
        return { leg, word: counts ? word : 'none' };
      });
      const heard = judged
        .filter(({ word }) => word === 'answered')
        .map(({ leg }) => leg)
        .sort(
          (a, b) =>
            Number(a.billsec === 0) - Number(b.billsec === 0) ||
            (a.answer ?? Infinity) - (b.answer ?? Infinity) ||
            b.billsec - a.billsec,
        );
      const best = BEST.find((word) => judged.some((each) => each.word === word));
      const agents = heard.map((leg) => /^SIP\/([^-]+)-/.exec(leg.dstchannel)?.[1] ?? null);
      const answers = heard.flatMap((leg) => (leg.answer === null ? [] : [leg.answer]));
      return {
        external_id: id,
        started: Math.min(...its.map((leg) => leg.start)),
        answered: answers.length === 0 ? null : Math.min(...answers),
        ended: Math.max(...its.map((leg) => leg.end)),
        caller: its.find((leg) => leg.src !== '')?.src ?? null,
        callee: heard[0]?.dst ?? its[0].dst,
        agent: agents.find((agent) => agent !== null) ?? null,
        disposition: best,
        talk: talkOf(heard),
        legs: its.length,
      };
    })
    .sort((a, b) => (a.external_id < b.external_id ? -1 : 1));
}

function talkOf(heard: readonly Leg[]): number {
  const spans = heard
    .filter((leg) => leg.answer !== null)
    .map((leg) => ({
      a: leg.answer as number,
      b: Math.max(leg.end, (leg.answer as number) + leg.billsec),
      seconds: leg.billsec,
    }))
    .filter(({ a, b }) => b > a)
    .sort((x, y) => x.a - y.a || y.b - x.b);
  let total = 0;
  for (let i = 0; i < spans.length; ) {
    const group = [spans[i++]];
    let { a, b } = group[0];
    while (i < spans.length && spans[i].a < b) {
      b = Math.max(b, spans[i].b);
      group.push(spans[i++]);
    }
    a = Math.min(...group.map((span) => span.a));
    const whole = group.filter((span) => span.a === a && span.b === b);
    total += whole.length > 0 ? Math.max(...whole.map((span) => span.seconds)) : b - a;
  }
  return total;
}

/** Legs of a few calls; those of one call overlap as they do in real life. */
const legs = fc
  .array(
    fc.record({
      call: fc.integer({ min: 0, max: 3 }),
      channel: fc.integer({ min: 0, max: 2 }),
      at: fc.integer({ min: 0, max: 40 }),
      ring: fc.integer({ min: 0, max: 10 }),
      talk: fc.integer({ min: 0, max: 30 }),
      cut: fc.integer({ min: 0, max: 1 }),
      disposition: fc.constantFrom('ANSWERED', 'ANSWERED', 'NO ANSWER', 'BUSY', 'FAILED'),
      to: fc.constantFrom('', 'SIP/301-0000000b', 'SIP/302-0000000c', 'Local/x@y-0001;1'),
      app: fc.constantFrom('Dial', 'Dial', 'VoiceMail', 'Hangup'),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((all) =>
    all.map((one, i): Leg => {
      const start = 1_706_368_000 + one.at;
      const isAnswered = one.disposition === 'ANSWERED';
      const end = start + one.ring + (isAnswered ? one.talk : 0);
      return {
        uniqueid: `u${one.call}.${one.channel}`,
        linkedid: `u${one.call}.0`,
        sequence: i,
        src: `+49${one.channel}`,
        dst: `9900${one.channel}`,
        dstchannel: one.to,
        lastapp: one.app,
        start,
        answer: isAnswered ? start + one.ring : null,
        end,
        billsec: isAnswered ? Math.max(0, one.talk - one.cut) : 0,
        disposition: one.disposition,
      };
    }),
  );

describe('legs', () => {
  it('fold to the same calls, in whatever order and in however many files they come', async () => {
    await fc.assert(
      fc.asyncProperty(legs, fc.infiniteStream(fc.nat()), async (all, chance) => {
        const tenant = await newTenant();
        const shuffled = all
          .map((leg) => ({ leg, key: chance.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ leg }) => leg);
        const cut = (chance.next().value ?? 0) % (all.length + 1);
        const files = [shuffled.slice(0, cut), shuffled.slice(cut)].filter((f) => f.length > 0);
        let count = 0;
        for (const file of files) count += (await loadLegs(tenant, fileOf(file))).legs ?? 0;
        expect(count).toBe(all.length);
        expect(await callsOf(tenant)).toEqual(folded(all));
        const again = await loadLegs(tenant, fileOf(all));
        expect(again).toMatchObject({ loaded: 0, updated: 0, legs: all.length });
      }),
      { numRuns: 12 },
    );
  });

  it('of a mirror are all there are: legs that are not in it any more do not count', async () => {
    const tenant = await newTenant();
    const leg = (sequence: number, billsec: number): Leg => ({
      ...{ uniqueid: 'u', linkedid: 'u', sequence, src: '1', dst: '2', lastapp: 'Dial' },
      ...{ dstchannel: `SIP/30${sequence}-0000000b`, disposition: 'ANSWERED' },
      ...{ start: sequence * 100, answer: sequence * 100, end: sequence * 100 + billsec, billsec },
    });
    await loadLegs(tenant, fileOf([leg(1, 10), leg(2, 20)]));
    expect(await callsOf(tenant)).toMatchObject([{ talk: 30, legs: 2 }]);
    const mirror = {
      scope: { window: null, prefix: null },
      limits: { deleteShare: 0, deleteRows: 0, rejects: 0 },
      leave: { deletes: null, rejects: null },
      stated: 1,
    };
    const map = { preset: 'asterisk' };
    const done = await load(test.database, tenant, fileOf([leg(2, 20)]), { map, mirror });
    expect(done).toMatchObject({ updated: 1, removed: 0, legs: 1 });
    expect(await callsOf(tenant)).toMatchObject([{ talk: 20, legs: 1, agent: '302' }]);
    await loadLegs(tenant, fileOf([leg(3, 5)]));
    expect(await callsOf(tenant)).toMatchObject([{ talk: 25, legs: 2 }]);
  });
});

describe('legs that say whom they were joined with', () => {
  const second = (at: number) => stamp(1_706_368_000 + at);
  const csvOf = (rows: readonly { id: number; joins: number | null }[]) =>
    rows
      .map(({ id, joins }) =>
        [
          ...['', `+55${id}`, `10${id}`, 'default', second(id * 10), second(id * 10 + 2)],
          ...[second(id * 10 + 25), 25, 23, 'NORMAL_CLEARING', `u${id}`],
          ...[joins === null ? '' : `u${joins}`, `10${id}`, '', ''],
        ].join(),
      )
      .join('\n');
  const loadCsv = (tenant: TestTenant, rows: Parameters<typeof csvOf>[0]) =>
    load(test.database, tenant, csvOf(rows), { map: { preset: 'freeswitch' } });

  it('become the calls that they were, also when that is told late', async () => {
    // Each is joined with a later one or with none, and none with two.
    const forest = fc
      .array(fc.option(fc.integer({ min: 1, max: 4 }), { nil: null }), {
        minLength: 1,
        maxLength: 8,
      })
      .map((jumps) => {
        const taken = new Set<number>();
        return jumps.map((jump, id) => {
          const to = jump === null ? null : id + jump;
          const joins = to === null || to >= jumps.length || taken.has(to) ? null : to;
          if (joins !== null) taken.add(joins);
          return { id, joins };
        });
      });
    await fc.assert(
      fc.asyncProperty(forest, fc.infiniteStream(fc.nat()), async (rows, chance) => {
        const [whole, parts] = [await newTenant(), await newTenant()];
        await loadCsv(whole, rows);
        const shuffled = rows
          .map((row) => ({ row, key: chance.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ row }) => row);
        const cut = (chance.next().value ?? 0) % (rows.length + 1);
        for (const file of [shuffled.slice(0, cut), shuffled.slice(cut), shuffled.slice(0, cut)]) {
          if (file.length > 0) expect((await loadCsv(parts, file)).legs).toBe(file.length);
        }
        const calls = await callsOf(parts);
        expect(calls).toEqual(await callsOf(whole));
        const roots = rows.filter(({ id }) => rows.every(({ joins }) => joins !== id));
        expect(calls.map((call) => call['external_id'])).toEqual(roots.map(({ id }) => `u${id}`));
        expect(calls.reduce((sum, call) => sum + Number(call['legs']), 0)).toBe(rows.length);
      }),
      { numRuns: 12 },
    );
  });

  it('are told from the calls that they were part of, and nothing of these is left', async () => {
    const tenant = await newTenant();
    await loadCsv(tenant, [{ id: 1, joins: null }]);
    expect(await callsOf(tenant)).toMatchObject([{ external_id: 'u1', legs: 1 }]);
    const done = await loadCsv(tenant, [{ id: 0, joins: 1 }]);
    expect(done).toMatchObject({ loaded: 1, removed: 1, legs: 1 });
    const [call, ...others] = await callsOf(tenant);
    expect(others).toEqual([]);
    // 02 to 25 and 12 to 35: they overlap, and no leg spans both.
    expect(call).toMatchObject({ external_id: 'u0', talk: 33, legs: 2, agent: '100' });
  });
});

describe.skipIf(!hasSharedData)('the real files', () => {
  it('of Asterisk: 84 rows are the legs of so many calls, none of them lost', async () => {
    const bytes = await readFile(sharedData('cdr/asterisk-master.csv'));
    const rows = parse(bytes.toString('latin1')) as string[][];
    const seconds = (text: string) => (text === '' ? null : Date.parse(`${text}Z`) / 1000);
    const all = rows.map(
      (cell): Leg => ({
        ...{ src: cell[1], dst: cell[2], dstchannel: cell[6], lastapp: cell[7] },
        ...{ start: seconds(cell[9]) as number, answer: seconds(cell[10]) },
        ...{ end: seconds(cell[11]) as number, billsec: Number(cell[13]), disposition: cell[14] },
        ...{ uniqueid: cell[16], linkedid: cell[19], sequence: Number(cell[20]) },
      }),
    );
    const tenant = await newTenant();
    const result = await loadLegs(tenant, bytes);
    expect(result).toMatchObject({ legs: 84, rejected: 0, superseded: 0 });
    const calls = await callsOf(tenant);
    expect(calls).toEqual(folded(all));
    expect(calls.reduce((sum, call) => sum + Number(call['legs']), 0)).toBe(84);
    expect(calls.length).toBe(new Set(all.map((leg) => leg.linkedid)).size);
    // A call that rang on a fork of local channels before a phone took it: talk once, not thrice.
    expect(calls.find((call) => call['external_id'] === '1706407446.50')).toMatchObject({
      ...{ disposition: 'answered', agent: '301', talk: 17, legs: 5 },
    });
    // The exchange played music while nobody took it.
    expect(calls.find((call) => call['external_id'] === '1706369600.6')).toMatchObject({
      ...{ disposition: 'no_answer', agent: null, talk: 0, legs: 3 },
    });
  });

  it('of FreeSWITCH: 10 rows, one of them twice, are 8 calls', async () => {
    const tenant = await newTenant();
    const bytes = await readFile(sharedData('cdr/freeswitch-cdr.csv'));
    const result = await load(test.database, tenant, bytes, { map: { preset: 'freeswitch' } });
    expect(result).toMatchObject({ loaded: 8, legs: 9, superseded: 1, rejected: 0 });
  });
});
