import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { filesBelow } from './support/daybook.ts';
import { loadCalls } from './support/rows.ts';

/** Parts that the disk has spoilt: whoever exports next gets the right bytes all the same. */

let test: TestDatabase;
let engine: TestEngine;
let acme: TestTenant;
let home: string;
const right: Record<string, Buffer> = {};
beforeAll(async () => {
  test = await freshDatabase();
  home = freshHome();
  acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  await loadCalls(test.database, acme, { days: 6, perDay: 300 });
  engine = startEngine({ database: test.database, home });
  for (const format of ['csv', 'xlsx']) right[format] = await exported(format);
});
afterAll(async () => {
  await engine.stop();
  await test.drop();
});

async function exported(format: string): Promise<Buffer> {
  const period = { from: '2026-03-01', to: '2026-03-06' };
  return (await engine.export(acme.id, { report: 'calls', ...period, format })).bytes;
}

const parts = (kind: 'rows' | 'fragment') =>
  filesBelow(home)
    .filter((name) => name.startsWith('parts/') && name.endsWith(`.${kind}`))
    .map((name) => join(home, name));

const flip = (path: string, at: (length: number) => number) => {
  const bytes = readFileSync(path);
  bytes[at(bytes.length)] ^= 0x40;
  writeFileSync(path, bytes);
};

describe('an export over parts that are damaged on disk has the right bytes', () => {
  it.each<[string, () => void]>([
    ['a byte in the data of every fragment', () => parts('fragment').map((p) => flip(p, () => 9))],
    [
      'a byte of every rows part, fragments gone',
      () => {
        for (const path of parts('rows')) flip(path, (length) => length >> 1);
        for (const path of parts('fragment')) rmSync(path);
      },
    ],
    [
      'a byte in the manifest of every rows part, fragments gone',
      () => {
        for (const path of parts('rows')) flip(path, (length) => length - 40);
        for (const path of parts('fragment')) rmSync(path);
      },
    ],
    ['one fragment gone', () => rmSync(parts('fragment')[0])],
    [
      'one of each cut to half',
      () => {
        for (const kind of ['rows', 'fragment'] as const) {
          const [path] = parts(kind);
          truncateSync(path, readFileSync(path).length >> 1);
        }
      },
    ],
    [
      'one of each empty',
      () => {
        for (const kind of ['rows', 'fragment'] as const) truncateSync(parts(kind)[0], 0);
      },
    ],
    [
      'one day standing where another should',
      () => {
        for (const kind of ['rows', 'fragment'] as const) {
          const [one, other] = parts(kind);
          writeFileSync(one, readFileSync(other));
        }
      },
    ],
    ['all of them gone', () => rmSync(join(home, 'parts'), { recursive: true })],
  ])('%s', async (_, damage) => {
    damage();
    expect((await exported('xlsx')).equals(right.xlsx)).toBe(true);
    expect((await exported('csv')).equals(right.csv)).toBe(true);
  });
});
