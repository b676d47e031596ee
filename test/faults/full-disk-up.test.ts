import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant } from '../support/database.ts';
import { ask } from '../support/embedded.ts';
import { daybook, filesBelow, start, unfinished, until } from './support/daybook.ts';
import { openQueuedRuns, type QueuedRuns } from './support/queued-runs.ts';
import { loadCalls } from './support/rows.ts';
import { canMount, grow, removeSmallDisks, smallDisk } from './support/small-disk.ts';
import { openUp, type UpRig } from './support/up.ts';

/** `up` over a home whose disk is full for a while. */

const PERIOD = { report: 'calls', from: '2026-03-01', to: '2026-03-03' };
const FLAGS = ['--tenant', 'large', '--from', PERIOD.from, '--to', PERIOD.to];

let rig: UpRig;
let runs: QueuedRuns;
let authorization: string;
beforeAll(async () => {
  rig = await openUp();
  const opened = await openQueuedRuns(rig, 'acme');
  const large = await addTestTenant(opened.database, { name: 'large', zone: 'UTC' });
  await loadCalls(opened.database, large, { days: 3, perDay: 12_000 });
  await opened.close();
  runs = await openQueuedRuns(rig, 'large');
  const { out } = await daybook(['tenant', 'key', 'large', '--scope', 'admin'], rig.environment);
  authorization = `Bearer ${out.trim()}`;
});
afterEach(removeSmallDisks);
afterAll(async () => {
  await runs.close();
  await rig.close();
});

const viewed = async (id: string) => {
  const answer = await fetch(`http://127.0.0.1:${rig.port}/v1/exports/${id}`, {
    headers: { authorization },
  });
  return (await answer.json()) as { status: string; error: unknown; file: unknown };
};

describe.skipIf(!canMount)('an export while the disk is full', () => {
  it.each(['files', 'parts'] as const)(
    'in %s says why it waits, leaves nothing, and comes by itself when there is space',
    async (folder) => {
      const disk = join(rig.home, folder);
      smallDisk(disk, 100);
      const id = await runs.queue({ ...PERIOD, format: 'csv', cache: folder === 'parts' });
      const waiting = await until(async () => {
        const view = await viewed(id);
        return view.status === 'queued' && view.error ? view : null;
      }, 'the API says why it waits');
      expect(waiting).toMatchObject({
        error: { code: 'E_NO_SPACE', message: 'no space is left on the disk', retryable: true },
        file: null,
      });
      // The run's other days are still stopping.
      await until(() => (unfinished(rig.home).length === 0 ? true : null), 'nothing is left');
      if (folder === 'files') expect(filesBelow(disk)).toEqual([]);

      grow(disk);
      expect(await runs.becomes(id, 'done')).toMatchObject({ files: 1, error_code: null });
      expect((await runs.bytes(id)).toString().split('\r\n')).toHaveLength(36_002);
    },
  );

  it('is told to who waits for it at the command line, and comes when there is space', async () => {
    const disk = join(rig.home, 'files');
    smallDisk(disk, 100);
    const command = start(['export', 'calls', ...FLAGS, '--out', '-'], rig.environment);
    await until(
      () => (/^waiting: /m.test(command.err()) ? true : null),
      'it says what it waits for',
    );
    expect(command.err()).toMatch(/^waiting: DAYBOOK_HOME\/files: no space .*\(E_NO_SPACE\)/m);
    grow(disk);
    const { code, out } = await command.ended;
    expect(code).toBe(0);
    expect(out.split('\r\n')).toHaveLength(36_002);
    expect(await ask(rig.url(), `select 1 from daybook.runs where state not in ('done')`)).toEqual(
      [],
    );
  });
});
