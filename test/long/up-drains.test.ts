import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../faults/support/daybook.ts';
import { openPoisonedUp, type PoisonedUp } from '../faults/support/poisoned-up.ts';
import { ask } from '../support/embedded.ts';

/** Takes as long as `up` waits for what is under way. */

const SHORT = process.env.DAYBOOK_LONG === 'short';
/** What is promised for a SIGTERM. */
const DRAIN_MS = 30_000;

let rig: PoisonedUp;
beforeAll(async () => {
  rig = await openPoisonedUp(['--compute', '2', '--threads', '1']);
});
afterAll(() => rig.close());

const stateOf = async (id: string) =>
  (
    await ask<{ state: string; lease_owner: string | null }>(
      rig.url(),
      `select state, lease_owner from daybook.runs where id = '${id}'`,
    )
  )[0];

const running = () =>
  until(async () => {
    const [run] = await ask<{ id: string }>(
      rig.url(),
      `select r.id from daybook.runs r join daybook.tenants t on t.id = r.tenant_id
       where r.state = 'running' and t.name = 'acme'`,
    );
    return run?.id ?? null;
  }, 'the run is under way');

/** Its rows are read, and nothing was heard of it since. */
const hangs = () =>
  until(async () => {
    const silent = await ask(
      rig.url(),
      `select 1 from pg_stat_activity where application_name = 'daybook thread'
         and state = 'idle in transaction' and state_change < now() - interval '1 s'`,
    );
    return silent.length > 0 ? true : null;
  }, 'a thread hangs');

it('up that is told to end gives back what it cannot finish, also where a thread hangs, within 30 s', async () => {
  const hung = await rig.poison('loop');
  await hangs();
  const bytes = await rig.exported('restart.csv', async () => {
    const id = await running();
    rig.up().child.kill('SIGTERM');
    const since = performance.now();
    // The table is held for longer than up waits for what is under way.
    for (const each of [id, hung]) {
      await until(
        async () => ((await stateOf(each)).state === 'queued' ? true : null),
        'it queues',
      );
      expect(await stateOf(each)).toEqual({ state: 'queued', lease_owner: null });
    }
    expect((await rig.up().ended).code).toBe(0);
    expect(performance.now() - since).toBeLessThan(DRAIN_MS);
    await rig.again();
  });
  expect(bytes.equals(rig.right)).toBe(true);
});

it.skipIf(SHORT)(
  'a day whose thread hangs fails its run after two tries, with the reason',
  async () => {
    expect(await rig.ended(await rig.poison('loop'))).toMatchObject({
      state: 'failed',
      error_code: 'E_DAY_FAILED',
      error_message: 'day 2026-03-05 failed: its thread stood still for 30 s',
    });
  },
);
