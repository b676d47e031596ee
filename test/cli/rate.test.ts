import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook, daybookDone } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

/** The built commands, from a rate sheet to a statement. */

let test: TestDatabase;
let environment: Record<string, string>;
const home = freshHome();
const PERIOD = ['--tenant', 'acme', '--from', '2026-03-01', '--to', '2026-03-31'];

beforeAll(async () => {
  test = await freshDatabase();
  environment = { DATABASE_URL: test.url, DAYBOOK_HOME: home };
  await addTestTenant(test.database, { name: 'acme', zone: 'Europe/Lisbon', currency: 'EUR' });
});
afterAll(() => test.drop());

const file = (name: string, text: string) => {
  const path = join(home, name);
  writeFileSync(path, text);
  return path;
};
const run = (...args: string[]) => daybookDone(environment, ...args);
const json = async (...args: string[]) => JSON.parse(await run(...args, '--json'));

describe('daybook load rates', () => {
  it('refuses a sheet with a bad row, names row and reason, and loads nothing of it', async () => {
    const path = file(
      'bad.csv',
      'plan,prefix,valid_from,rate,increment_seconds\nstandard,44,2026-01-01,0.6,6\nstandard,4x,2026-01-01,0.6,6\n',
    );
    const { code, out, err } = await daybook(environment, [
      'load',
      'rates',
      path,
      '--tenant',
      'acme',
    ]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('bad.csv: row 2, prefix: got "4x"; expected 1 to 32 digits');
    expect(err).toContain('Nothing of it was loaded (E_INPUT)');
  });

  it('loads one that is right, and once more changes nothing', async () => {
    const path = file(
      'rates.csv',
      'plan,prefix,valid_from,rate,increment_seconds,connect_fee\nstandard,44,2026-01-01,0.60,6,0.1\nstandard,351,2026-01-01,0.12,60,\n',
    );
    expect(await json('load', 'rates', path, '--tenant', 'acme')).toMatchObject({
      ...{ loaded: 2, updated: 0, unchanged: 0, rejected: 0, days: 1 },
      versions: [{ plan: 'standard', valid_from: '2026-01-01T00:00:00.000Z', state: 'new' }],
    });
    expect(await run('load', 'rates', path, '--tenant', 'acme')).toContain(
      '0 loaded, 0 updated, 2 unchanged',
    );
  });
});

describe('daybook rate', () => {
  it('says the difference of a dry run, makes it, and the second time there is none', async () => {
    const calls = file(
      'calls.csv',
      'external_id,started_at,ended_at,direction,callee,disposition,talk_seconds\n' +
        'a,2026-03-10T10:00:00Z,2026-03-10T10:01:00Z,outbound,+442071234,answered,61\n' +
        'b,2026-03-10T10:00:00Z,2026-03-10T10:01:00Z,outbound,+351210000,answered,61\n' +
        'c,2026-03-10T10:00:00Z,2026-03-10T10:01:00Z,outbound,+1212,answered,61\n',
    );
    await run('load', 'calls', calls, '--tenant', 'acme');
    const expected = { calls: 3, added: 3, changed: 0, unrated: 1, difference: { EUR: '1' } };
    expect(await json('rate', ...PERIOD, '--dry-run')).toMatchObject({
      dry_run: true,
      ...expected,
    });
    expect(await json('rate', ...PERIOD)).toMatchObject({ dry_run: false, ...expected });
    expect(await run('rate', ...PERIOD)).toBe(
      '3 calls: 0 charged for the first time, 0 changed, 0 removed, 1 not rated\ndifference: none\n',
    );
  });

  it('wants a period that is one, and a tenant that has rates', async () => {
    const wrong = await daybook(environment, ['rate', '--tenant', 'acme', '--from', '2026-03-01']);
    expect(wrong.code).toBe(2);
    await addTestTenant(test.database, { name: 'bolt', zone: 'UTC' });
    const none = await daybook(environment, ['rate', '--tenant', 'bolt', ...PERIOD.slice(2)]);
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('bolt has no rates')]);
  });
});

describe('daybook ledger', () => {
  it('states what was charged, writes the entries, and adds up', async () => {
    const out = join(home, 'statement.csv');
    expect(await json('ledger', 'statement', ...PERIOD, '--out', out)).toMatchObject({
      accounts: [
        { payer: 'acme', currency: 'EUR', opening: '0', charges: '-1', closing: '-1', entries: 1 },
      ],
    });
    expect(readFileSync(out, 'utf8')).toContain('acme,charge,-1.00,EUR');
    const billing = await run(
      'export',
      'billing',
      ...PERIOD,
      '--columns',
      'external_id,amount,reason',
      '--out',
      '-',
    );
    expect(billing.trim().split('\r\n').slice(1)).toEqual(['a,0.7600,', 'b,0.2400,', 'c,,no_rate']);
    expect(await run('ledger', 'verify')).toBe('2 of 2 ledgers add up\n');
  });
});
