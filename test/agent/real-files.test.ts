import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load } from '../ingest/support/load.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { BANK, BANK_MONTHS } from '../support/real-figures.ts';
import { docsMap } from '../support/real-loads.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { configFor, onceWith, temporaryFolder } from './support/agents.ts';
import { callFigures, refusedRows } from './support/figures.ts';
import { type Fault, startReceiver } from './support/receiver.ts';

/** A real month, pushed by the agent through a network that is cut again and again. */

const CUTS = 50;
const KINDS: readonly Fault[] = ['cut_before', 'cut_midway', 'cut_after'];
const [, october] = BANK_MONTHS;

let test: TestDatabase;
let state: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  test = await freshDatabase();
  state = temporaryFolder();
});
afterAll(async () => {
  state.remove();
  await test.drop();
});

describe.skipIf(!hasSharedData)('a real month, the network cut 50 times', () => {
  it('arrives with the published figures, every row once, and those that cannot be read as rejects', async () => {
    const bank = await addTestTenant(test.database, { name: 'bank', zone: BANK.zone });
    let cuts = 0;
    const fault = (request: number): Fault | null =>
      request % 2 === 0 && cuts < CUTS ? KINDS[cuts++ % KINDS.length] : null;
    const receiver = await startReceiver({ fault });
    try {
      const source = {
        ...{ name: 'bank', type: 'files', dataset: 'calls', map: docsMap(BANK.map) },
        ...{ folder: sharedData('calls'), pattern: '*-october.tsv.gz', settle_seconds: 0 },
      };
      const limits = { batch_rows: 500 };
      const config = configFor(receiver, state.path, [source], { limits });
      expect(await onceWith(config)).toMatchObject([
        { error: null, waiting: 0, taken: 34_625, refused: 2 },
      ]);
      expect(receiver.faults()).toBe(CUTS);
      expect(receiver.repeats()).toBe(Math.floor(CUTS / KINDS.length));

      const before = receiver.requests();
      expect(await onceWith(config)).toMatchObject([{ taken: 0 }]);
      expect(receiver.requests()).toBe(before);

      const all = receiver.taken.map(({ text }) => text).join('');
      expect(await load(test.database, bank, all, { name: 'taken.ndjson' })).toMatchObject({
        ...{ loaded: october.figures.rows, updated: 0, unchanged: 0, superseded: 0, rejected: 2 },
      });
    } finally {
      await receiver.close();
    }
    const { from, to, figures } = october;
    expect(await callFigures(test.database, bank, from, to)).toEqual(figures);
    const refused = await refusedRows(test.database, bank);
    expect(refused.map(({ reason }) => reason)).toEqual(
      Array(2).fill('the row has 16 fields; expected 17'),
    );
    expect(refused.every(({ line }) => /\\t(?:3892|10486)\\t/.test(line))).toBe(true);
  });
});
