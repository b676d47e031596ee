import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../faults/support/daybook.ts';
import { openUp, type UpRig } from '../faults/support/up.ts';
import { ask } from '../support/embedded.ts';

/** Takes as long as `up` waits for what is under way. */

let rig: UpRig;
beforeAll(async () => {
  rig = await openUp();
});
afterAll(() => rig.close());

const stateOf = async (id: string) =>
  (
    await ask<{ state: string; lease_owner: string | null }>(
      rig.url(),
      `select state, lease_owner from daybook.runs where id = '${id}'`,
    )
  )[0];

describe('up that is told to end', () => {
  const running = async () => {
    const [run] = await ask<{ id: string }>(
      rig.url(),
      `select id from daybook.runs where state = 'running'`,
    );
    return run.id;
  };

  it('by SIGTERM in the middle of an export gives the run back, and the next up finishes it', async () => {
    const bytes = await rig.exported('restart.csv', async () => {
      const id = await running();
      rig.up().child.kill('SIGTERM');
      // The table is held for longer than up waits for what is under way.
      await until(async () => ((await stateOf(id)).state === 'queued' ? true : null), 'it queues');
      expect(await stateOf(id)).toEqual({ state: 'queued', lease_owner: null });
      expect((await rig.up().ended).code).toBe(0);
      await rig.again();
    });
    expect(bytes.equals(rig.right)).toBe(true);
  });
});
