import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';
import { isThorough } from '../support/thorough.ts';

/**
 * Wrong command lines, as processes: the exit status, a message on stderr that names what is
 * wrong, what came and what is expected, nothing on stdout, nothing written anywhere.
 */

let test: TestDatabase;
let environment: Record<string, string>;
let folder: string;

const ROW = 'a,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,busy\n';
const CALLS = `external_id,started_at,ended_at,disposition\n${ROW}`;
const MAPPED = '"started_at":"started_at","ended_at":"ended_at","disposition":"disposition"';
const FILES: Record<string, string> = {
  'calls.csv': CALLS,
  'empty.csv': '',
  'text.xlsx': 'hello\n',
  'plain.csv.gz': CALLS,
  'binary.csv': '\0\0\0\x01\x02',
  'broken.json': '{',
  'zone.json': `{"zone":"Mars/Base","fields":{"external_id":"external_id",${MAPPED}}}`,
  'column.json': `{"fields":{"external_id":"nope",${MAPPED}}}`,
  'field.json': `{"fields":{"id":"external_id",${MAPPED}}}`,
  'required.json': '{"fields":{"external_id":"external_id"}}',
  'key.json': `{"zon":"UTC","fields":{"external_id":"external_id",${MAPPED}}}`,
  'format.json':
    '{"fields":{"external_id":"external_id","started_at":{"column":"started_at","format":"QQQ"}}}',
};

beforeAll(async () => {
  test = await freshDatabase();
  await addTestTenant(test.database, { name: 'acme', zone: 'Europe/London' });
  environment = { DATABASE_URL: test.url, DAYBOOK_HOME: freshHome(), LOG_LEVEL: 'error' };
  folder = join(freshHome(), 'work');
  mkdirSync(folder);
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);
});
afterAll(() => test.drop());

type Wrong = readonly [status: 1 | 2, args: readonly string[], ...parts: string[]];

const FROM = ['--from', '2024-01-01'];
const TO = ['--to', '2024-01-31'];
const ACME = ['--tenant', 'acme'];
const WHAT = [...ACME, ...FROM, ...TO];
const OUT = ['--out', 'out.csv'];
const exporting = (...more: string[]) => ['export', 'calls', ...WHAT, ...OUT, ...more];
const loading = (...more: string[]) => ['load', 'calls', 'calls.csv', ...ACME, ...more];

const WRONG: readonly Wrong[] = [
  [2, [], 'Usage: daybook'],
  [2, ['exports'], "unknown command 'exports'", 'export'],
  [2, ['--quick'], "unknown option '--quick'"],

  [2, ['cache'], 'Usage: daybook cache'],
  [2, ['cache', 'drop'], '--tenant, --all', 'neither', 'one of them'],
  [2, ['cache', 'drop', '--all', ...ACME], '--tenant, --all', 'both', 'one of them'],
  [2, ['cache', 'drop', ...ACME, '--from', 'May'], '--from', '"May"', 'expected YYYY-MM-DD'],
  [2, ['cache', 'drop', ...WHAT, '--to', '2023-01-01'], '--to', '2024-01-01 or later'],
  [2, ['cache', 'drop', ...ACME, '--dataset', 'cals'], 'cals', 'one of calls, order_lines'],
  [2, ['cache', 'stats', '--tenant', 'acne'], 'no tenant acne here'],
  [2, ['cache', 'verify', '--quick'], "unknown option '--quick'"],

  [2, ['export', ...WHAT, ...OUT], "missing required argument 'report'"],
  [2, ['export', 'calls', ...FROM, ...TO, ...OUT], "option '--tenant <name>' not specified"],
  [2, ['export', 'calls', ...ACME, ...TO, ...OUT], "option '--from <date>' not specified"],
  [2, ['export', 'calls', ...ACME, ...FROM, ...OUT], "option '--to <date>' not specified"],
  [2, ['export', 'calls', ...WHAT], "option '--out <file>' not specified"],
  [2, ['export', 'calls', ...WHAT, '--out'], "option '--out <file>' argument missing"],
  [2, exporting('more'), 'Expected 1 argument but got 2'],
  [2, exporting('--quick'), "unknown option '--quick'"],
  [2, ['export', 'cals', ...WHAT, ...OUT], 'report', '"cals"', 'calls, queues', 'mean calls?'],
  [2, ['export', 'invoices', ...WHAT, ...OUT], '"invoices"', 'expected one of calls, queues'],
  [2, ['export', 'calls', '--tenant', 'acne', ...FROM, ...TO, ...OUT], 'no tenant acne here'],
  [2, ['export', 'calls', '--tenant', '', ...FROM, ...TO, ...OUT], 'no tenant "" here'],
  [2, exporting('--from', '01/02/2024'), '--from', '"01/02/2024"', 'expected YYYY-MM-DD'],
  [2, exporting('--to', '2023-02-29'), '--to', '"2023-02-29"', 'expected YYYY-MM-DD'],
  [2, exporting('--to', '2023-12-31'), '--to', 'got 2023-12-31', 'expected 2024-01-01 or later'],
  [2, exporting('--from', '1990-01-01'), '--from, --to', 'days', 'expected at most 10 years'],
  [2, exporting('--zone', 'Mars/Base'), '--zone', '"Mars/Base"', 'such as Europe/London'],
  [2, exporting('--zone', '+01:00'), '--zone', '"+01:00"', 'expected an IANA name'],
  [2, exporting('--grain', 'week'), '--grain', '"week"', 'expected one of row'],
  [2, exporting('--format', 'pdf'), '--format', '"pdf"', 'csv, csv.gz, zip, xlsx, ndjson'],
  [2, exporting('--columns', 'caller,colour'), '--columns', '"colour"', 'any of external_id'],
  [2, exporting('--columns', 'queue,queue'), '--columns', 'queue again', 'each column once'],
  [2, exporting('--where', 'colour=red'), '--where', '"colour"', 'expected a field of calls'],
  [2, exporting('--where', 'queue'), '--where', '"queue"', 'expected field=v1,v2'],
  [2, exporting('--where', 'wait_seconds>=soon'), 'wait_seconds', '"soon"', 'a whole number'],
  [2, exporting('--where', 'disposition=gone'), 'disposition', '"gone"', 'one of answered'],
  [2, exporting('--where', 'started_at<=noon'), 'started_at', '"noon"', 'such as 2026-03-01T08'],
  [2, exporting('--param', 'speed=1'), '--param speed', '"1"', 'no parameters'],
  [2, exporting('--param', 'speed'), '--param', '"speed"', 'expected name=value'],
  [
    2,
    ['export', 'queues', ...WHAT, ...OUT, '--param', 'service_level_seconds=fast'],
    '--param service_level_seconds',
    '"fast"',
    'from 0 to 86400',
  ],
  [2, exporting('--locale', 'fr'), '--locale', '"fr"', 'en, pt-BR, es'],
  [2, exporting('--headers', 'both'), '--headers', '"both"', 'labels, keys'],
  [2, exporting('--cell-refs', 'maybe'), '--cell-refs', '"maybe"', 'auto, always, never'],
  [2, exporting('--out', 'no/such/out.csv'), '--out', 'no/such/out.csv', 'folder that exists'],
  [2, exporting('--out', '.'), '--out', 'a file, not a folder'],
  [2, exporting('--out', '-', '--json'), '--json', '--out -'],
  // Not even root makes a file there, which shows at the end alone.
  [1, exporting('--out', '/proc/out.csv'), '--out /proc/out.csv', 'ENOENT'],
  [1, exporting('--out', '/dev/full'), 'no space left'],

  [2, ['load'], "option '--tenant <tenant>' not specified"],
  [2, ['load', 'calls', ...ACME], "missing required argument 'file'"],
  [2, loading('more'), 'Expected 2 arguments but got 3'],
  [2, ['load', 'bills', 'calls.csv', ...ACME], 'dataset', 'bills', 'calls, order_lines'],
  [2, ['load', 'calls', 'none.csv', ...ACME], 'none.csv', 'no such file'],
  [2, ['load', 'calls', '.', ...ACME], 'it is a folder'],
  [2, ['load', 'calls', 'empty.csv', ...ACME], 'empty.csv', 'expected a line of column names'],
  [2, ['load', 'calls', 'text.xlsx', ...ACME], 'text.xlsx', 'no .xlsx file'],
  [2, ['load', 'calls', 'plain.csv.gz', ...ACME], 'plain.csv.gz', 'its name says gzip'],
  [2, ['load', 'calls', 'binary.csv', ...ACME], 'columns'],
  [2, ['load', 'order_lines', 'calls.csv', ...ACME], 'no order_id', 'the file has "external_id"'],
  [2, ['load', 'calls', 'calls.csv', '--tenant', 'acne'], 'no tenant acne here'],
  [2, loading('--format', 'pdf'), '--format', 'pdf', 'csv, csv.gz'],
  [2, loading('--complete-through', 'soon'), '--complete-through', 'soon', 'such as 2024-02-01T'],
  [2, loading('--map', 'none.json'), '--map', 'none.json', 'no such file'],
  [2, loading('--map', 'broken.json'), 'broken.json', 'expected JSON'],
  [2, loading('--map', 'zone.json'), 'map: zone', 'Mars/Base', 'an IANA name'],
  [2, loading('--map', 'column.json'), 'external_id', 'nope', "the file's columns: external_id"],
  [2, loading('--map', 'field.json'), 'the key id', 'any of external_id'],
  [2, loading('--map', 'required.json'), 'started_at', 'got nothing', 'required'],
  [2, loading('--map', 'key.json'), 'the key zon', 'any of preset, zone'],
  [2, loading('--map', 'format.json'), 'started_at.format', 'QQQ', 'such as yyyy-MM-dd'],

  [2, ['rejects', 'list', '--tenant', 'acne'], 'no tenant acne here'],
  [2, ['rejects', 'list', ...ACME, '--dataset', 'bills'], 'bills', 'calls, order_lines'],
  [2, ['rejects', 'export', ...ACME, '--out', 'out.pdf'], '--out', 'out.pdf', 'FILE.xlsx'],
  [2, ['rejects', 'export', ...ACME, '--out', 'no/out.csv'], '--out', 'folder that exists'],
  [2, ['rejects', 'retry', ...ACME, '--file', 'none.csv'], 'none.csv', 'no such file'],

  [2, ['snapshot', 'show', 'x', ...ACME], 'snapshot', '"x"'],
  [2, ['snapshot', 'commit', 'x', ...ACME], "option '--rows <rows>' not specified"],
  [2, ['snapshot', 'commit', 'x', ...ACME, '--rows', 'all'], '--rows', 'all', 'a whole number'],
  [2, ['up', '--port', '99999'], '--port', "'99999'", 'from 0 to 65535'],
  [2, ['up', '--threads', '0'], '--threads', "'0'", 'from 1 to 64'],
  [2, ['up', '--no-demo'], 'DAYBOOK_SECRET: not set', 'at least 32 characters'],
  [2, ['doctor', 'more'], 'Expected 0 arguments but got 1'],
  [2, ['migrate', '--back'], "unknown option '--back'"],
  [2, ['demo', '--big'], "unknown option '--big'"],
];

/** Each is a process: some of every kind, as they stand one after another. */
const TRIED = isThorough ? WRONG : WRONG.filter((_, index) => index % 4 === 0);

describe('a wrong command line', () => {
  it.concurrent.each(TRIED.map((wrong) => [wrong[1].join(' '), wrong] as const))(
    'daybook %s',
    async (_, [status, args, ...parts]) => {
      const { code, out, err } = await daybook(environment, args, { cwd: folder });
      expect({ args, code, out }).toEqual({ args, code: status, out: '' });
      for (const part of parts) expect(err).toContain(part);
      // People read it: no stack, no word of ours alone.
      expect(err).not.toMatch(/^ +at |undefined|\[object|E_INTERNAL/m);
    },
  );
});

describe('all of them together', () => {
  it('wrote nothing: no file, no row, and a run only where the disk was the trouble', async () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(FILES).sort());
    const [counts] = await test.database.asOwner((tx) =>
      tx.query(
        `select (select count(*)::int from daybook.calls) as calls,
           (select count(*)::int from daybook.rejects) as rejects,
           (select count(*)::int from daybook.runs where state <> 'done') as runs`,
      ),
    );
    expect(counts).toEqual({ calls: 0, rejects: 0, runs: 0 });
  });
});
