import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { suppress } from '../../src/store/suppressions.ts';
import { addOwing, deliveriesOf, type Owing, owe } from '../scheduler/send/support/owed.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook, daybookDone } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

let test: TestDatabase;
let environment: Record<string, string>;
let of: Owing;
let other: Owing;
beforeAll(async () => {
  test = await freshDatabase();
  const home = freshHome();
  environment = { DAYBOOK_HOME: home, DATABASE_URL: test.url, LOG_LEVEL: 'silent' };
  of = await addOwing(test.database, home, { name: 'acme' });
  other = await addOwing(test.database, home, { name: 'bolt' });
});
afterAll(() => test.drop());

const run = (...args: string[]) =>
  daybook(environment, ['deliveries', ...args, '--tenant', 'acme', '--json']);
const done = async (...args: string[]) =>
  JSON.parse(
    await daybookDone(environment, 'deliveries', ...args, '--tenant', 'acme', '--json'),
  ) as never;
const owed = async (recipient: string, state: string, whose = of) => {
  const id = await owe(test.database, whose, { recipient });
  await test.database.asSystem((tx) =>
    tx.run('update daybook.deliveries set state = $2 where id = $1', [id, state]),
  );
  return id;
};
const stateOf = async (id: string, whose = of) =>
  (await deliveriesOf(test.database, whose.tenant.id)).find((each) => each.id === id)?.state;

it('what failed of a run is sent again, and nothing else of it, nor of another tenant', async () => {
  const failed = [await owed('a@example.com', 'failed'), await owed('b@example.com', 'failed')];
  const others = await Promise.all(
    ['sent', 'held', 'suppressed'].map((state) => owed(`${state}@example.com`, state)),
  );
  const foreign = await owed('f@example.com', 'failed', other);
  expect(await done('resend', '--failed-of', other.occurrenceId)).toEqual({ resent: [] });
  expect(await stateOf(foreign, other)).toBe('failed');

  const [{ run_id: runId }] = await test.database.asSystem((tx) =>
    tx.query<{ run_id: string }>('select run_id from daybook.report_files where id = $1', [
      of.reportFileId,
    ]),
  );
  expect(await done('resend', '--failed-of', runId)).toEqual({ resent: [...failed].sort() });
  expect(await Promise.all(failed.map((id) => stateOf(id)))).toEqual(['pending', 'pending']);
  expect(await Promise.all(others.map((id) => stateOf(id)))).toEqual([
    ...['sent', 'held', 'suppressed'],
  ]);
  expect(await done('resend', '--failed-of', of.occurrenceId)).toEqual({ resent: [] });
  await daybookDone(environment, 'tick', '--stage', 'send');
  expect(await Promise.all(failed.map((id) => stateOf(id)))).toEqual(['sent', 'sent']);
});

it('what is held is listed, and sent again or called off by a person; what was sent is refused', async () => {
  const [again, off] = [await owed('x@example.com', 'held'), await owed('y@example.com', 'held')];
  const held = (await done('list', '--state', 'held')) as { id: string; recipient: string }[];
  expect(held.map(({ id }) => id)).toEqual(expect.arrayContaining([again, off]));
  expect(await done('resend', again)).toEqual({ resent: [again] });
  expect(await done('cancel', off)).toMatchObject({ id: off, state: 'cancelled' });
  expect((await run('cancel', off)).code).toBe(2);
  await daybookDone(environment, 'tick', '--stage', 'send');
  const shown = (await done('show', again)) as { state: string; attempt_log: object[] };
  expect(shown).toMatchObject({ state: 'sent', recipient: 'x@example.com' });
  expect(shown.attempt_log).toMatchObject([{ outcome: 'sent', via: 'outbox' }]);
  const refused = await run('resend', again);
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('the delivery is sent') });
});

it('settings are shown, changed one by one, and refused with the flag that is wrong', async () => {
  const before = {
    ...{ allowed_domains: null, hold_ambiguous: false, link_days: 14 },
    max_attachment_bytes: 15_000_000,
  };
  expect(await done('settings')).toEqual(before);
  const flags = ['--allowed-domains', 'example.com, *.acme.example', '--hold-ambiguous', 'yes'];
  const after = {
    ...before,
    allowed_domains: ['*.acme.example', 'example.com'],
    hold_ambiguous: true,
  };
  expect(await done('settings', ...flags)).toEqual(after);
  expect(await done('settings', '--link-days', '3')).toEqual({ ...after, link_days: 3 });
  expect(await done('settings', '--allowed-domains', 'any')).toMatchObject({
    ...{ allowed_domains: null, link_days: 3 },
  });
  for (const [flag, value] of [
    ['--hold-ambiguous', 'perhaps'],
    ['--link-days', '0'],
    ['--max-attachment-bytes', '1e6'],
    ['--allowed-domains', 'exa mple.com'],
  ]) {
    expect(await run('settings', flag, value), flag).toMatchObject({
      ...{ code: 2, err: expect.stringContaining(flag) },
    });
  }
});

it('suppressions are listed and lifted; those of another tenant are nobody’s', async () => {
  for (const each of [of, other]) {
    const { id: tenantId } = each.tenant;
    const suppressed = { tenantId, recipient: 'gone@example.com', scheduleId: null };
    await test.database.asTenant(tenantId, (tx) =>
      suppress(tx, { ...suppressed, reason: 'bounced', detail: '550 5.1.1' }),
    );
  }
  const [found, ...more] = (await done('suppressions')) as { id: string; recipient: string }[];
  expect(more).toEqual([]);
  expect(found).toMatchObject({ recipient: 'gone@example.com', reason: 'bounced' });
  const theirs = JSON.parse(
    await daybookDone(environment, 'deliveries', 'suppressions', '--tenant', 'bolt', '--json'),
  ) as { id: string }[];
  for (const id of [theirs[0].id, randomUUID(), 'x']) {
    expect((await run('lift', id)).code, id).toBe(2);
  }
  expect(await done('lift', found.id)).toEqual({ id: found.id, lifted: true });
  expect(await done('suppressions')).toEqual([]);
});
