import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseNow } from '../../src/store/dataset-marks.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook, daybookDone } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

/** The built `daybook schedule` and `daybook tick`, without an `up`. */

let test: TestDatabase;
let home: string;
let environment: Record<string, string>;
let today: string;

beforeAll(async () => {
  test = await freshDatabase();
  home = freshHome();
  environment = { DATABASE_URL: test.url, DAYBOOK_HOME: home };
  const now = await test.database.asSystem(databaseNow);
  today = new Date(now).toISOString().slice(0, 10);
  await daybookDone(environment, 'tenant', 'add', 'acme', '--zone', 'UTC');
  const file = join(home, 'calls.csv');
  writeFileSync(
    file,
    `external_id,started_at,ended_at,disposition\n1,${today}T00:00:01Z,${today}T00:00:02Z,answered\n`,
  );
  await daybookDone(environment, 'load', 'calls', file, '--tenant', 'acme');
});
afterAll(() => test.drop());

const schedule = (...args: string[]) =>
  daybook(environment, ['schedule', args[0], '--tenant', 'acme', ...args.slice(1)]);
const DAILY = ['--report', 'calls', '--format', 'xlsx', '--period', 'yesterday', '--every', 'day'];

describe('daybook schedule and tick', () => {
  it('make and seal what is due as of an instant, alone, once', async () => {
    const added = await schedule('add', ...DAILY, '--at', '08:00', '--email', 'a@b.co', '--json');
    expect(added.code, added.err).toBe(0);
    const { id } = JSON.parse(added.out) as { id: string };
    const dayAfter = new Date(Date.parse(today) + 86_400_000).toISOString().slice(0, 10);
    const at = `${dayAfter}T08:00:00Z`;
    const stages = ['--stage', 'plan', '--stage', 'process'];
    const first = JSON.parse(
      await daybookDone(environment, 'tick', '--at', at, ...stages, '--json'),
    );
    expect(first.stages).toMatchObject({
      process: { queued: expect.any(Number), sealed: expect.any(Number) },
    });
    const again = JSON.parse(
      await daybookDone(environment, 'tick', '--at', at, ...stages, '--json'),
    );
    expect(again.stages).toMatchObject({ plan: { planned: 0 }, process: { queued: 0, sealed: 0 } });
    const shown = JSON.parse((await schedule('show', id, '--json')).out);
    expect(shown.occurrences[0]).toMatchObject({
      nominal: `${dayAfter} 08:00`,
      state: 'sealed',
      period: { from: today, to: today },
    });
    const sealed = await test.database.asSystem((tx) =>
      tx.query('select row_count::int as rows from daybook.report_files order by sealed_at'),
    );
    expect(sealed.at(-1)).toEqual({ rows: 1 });
  }, 60_000);

  it('refuse what is bad with 2, and name the flag or field', async () => {
    for (const [args, words] of [
      [['--at', '08:00', '--email', 'a@b.co', '--zone', 'Mars/Base'], 'zone'],
      [['--at', '08:00'], 'recipients'],
    ] as const) {
      const { code, err } = await schedule('add', ...DAILY, ...args);
      expect([code, err.includes(words)]).toEqual([2, true]);
    }
    expect((await daybook(environment, ['tick', '--stage', 'cook'])).code).toBe(2);
    expect((await daybook(environment, ['tick', '--at', 'tomorrow'])).code).toBe(2);
  });
});
