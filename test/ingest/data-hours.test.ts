import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { load } from './support/load.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

interface Hour {
  readonly hour: string;
  readonly version: string;
  readonly row_count: string;
}

function hoursOf(tenantId: string): Promise<Hour[]> {
  return test.database.asTenant(tenantId, (tx) =>
    tx.query<Hour & Record<string, string>>(
      `select to_char(hour at time zone 'UTC', 'YYYY-MM-DD HH24') as hour, version, row_count
       from daybook.data_hours where dataset = 'calls' order by 1`,
    ),
  );
}

/** What stands in each hour now, counted from the rows themselves. */
async function contentOf(tenantId: string): Promise<Map<string, { rows: string; text: string }>> {
  const found = await test.database.asTenant(tenantId, (tx) =>
    tx.query(
      `select to_char(started_at at time zone 'UTC', 'YYYY-MM-DD HH24') as hour, count(*) as rows,
         string_agg(c::text, '|' order by external_id) as text
       from daybook.calls c group by 1`,
    ),
  );
  return new Map(found.map((each) => [each['hour'], { rows: each['rows'], text: each['text'] }]));
}

/** A call that starts in one of six hours; 30 ids, so that later files move earlier calls. */
const call = fc.record({
  id: fc.integer({ min: 0, max: 29 }),
  hour: fc.integer({ min: 0, max: 5 }),
  wait: fc.integer({ min: 0, max: 2 }),
});
const file = fc.array(call, { maxLength: 15 });

describe('versions of hours', () => {
  it('count the rows of each hour, and change exactly with its content, also when calls move', async () => {
    let tenants = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 6 }), async (files) => {
        const tenant = await addTestTenant(test.database, { name: `h${tenants++}`, zone: 'UTC' });
        const seen = new Map<string, Set<string>>();
        let content = new Map<string, { rows: string; text: string }>();
        let versions = new Map<string, string>();
        for (const calls of files) {
          const rows = calls.map(
            ({ id, hour, wait }) =>
              `${id},2024-05-01T0${hour}:15:00Z,2024-05-01T09:00:00Z,answered,${wait}`,
          );
          await load(
            test.database,
            tenant,
            ['external_id,started_at,ended_at,disposition,wait_seconds', ...rows].join('\n'),
          );
          const now = await contentOf(tenant.id);
          const hours = await hoursOf(tenant.id);
          for (const { hour, version, row_count } of hours) {
            expect(row_count).toBe(now.get(hour)?.rows ?? '0');
            const changed = now.get(hour)?.text !== content.get(hour)?.text;
            expect(version !== versions.get(hour)).toBe(changed);
            const used = seen.get(hour) ?? new Set();
            if (changed) expect(used.has(version)).toBe(false);
            seen.set(hour, used.add(version));
          }
          expect([...now.keys()].every((hour) => hours.some((h) => h.hour === hour))).toBe(true);
          content = now;
          versions = new Map(hours.map(({ hour, version }) => [hour, version]));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('follow deletions and plain statements too, and never come back after a counter was removed', async () => {
    const tenant = await addTestTenant(test.database, { name: 'plain', zone: 'UTC' });
    const run = (text: string) =>
      test.database.asTenant(tenant.id, (tx) =>
        tx.run(text, text.includes('$1') ? [tenant.id] : []),
      );
    const insert = `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition)
      values ($1, 'a', '2024-05-01 03:30+00', '2024-05-01 03:31+00', 'busy')`;
    await run(insert);
    const [first] = await hoursOf(tenant.id);
    expect(first).toMatchObject({ hour: '2024-05-01 03', row_count: '1' });
    await run(`update daybook.calls set started_at = '2024-05-01 05:00+00'`);
    const moved = await hoursOf(tenant.id);
    expect(moved.map(({ hour, row_count }) => [hour, row_count])).toEqual([
      ['2024-05-01 03', '0'],
      ['2024-05-01 05', '1'],
    ]);
    expect(BigInt(moved[0].version)).toBeGreaterThan(BigInt(first.version));
    await run('delete from daybook.calls');
    expect((await hoursOf(tenant.id)).map((each) => each.row_count)).toEqual(['0', '0']);
    const [{ version: last }] = await hoursOf(tenant.id);
    await run('delete from daybook.data_hours');
    await run(insert);
    const [again] = await hoursOf(tenant.id);
    expect(BigInt(again.version)).toBeGreaterThan(BigInt(last));
  });

  it('do not stand in the way of removing a tenant', async () => {
    const tenant = await addTestTenant(test.database, { name: 'leaves', zone: 'UTC' });
    const rows = 'a,2024-05-01T03:15:00Z,2024-05-01T09:00:00Z,answered';
    await load(test.database, tenant, `external_id,started_at,ended_at,disposition\n${rows}`);
    await test.database.asOwner((tx) =>
      tx.run('delete from daybook.tenants where id = $1', [tenant.id]),
    );
    const left = await test.database.asOwner((tx) =>
      tx.query('select from daybook.data_hours where tenant_id = $1', [tenant.id]),
    );
    expect(left).toEqual([]);
  });
});
