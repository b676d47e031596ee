import { afterAll, beforeAll, expect, it } from 'vitest';
import { callRows, ndjson, type SenderKey, sign } from '../ingest/signed/support/sender.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybookDone, type RunningUp, startUp } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

/** Real API processes over one port. */

const SHORT = process.env.DAYBOOK_LONG === 'short';
const REPLAYS = SHORT ? 1_000 : 10_000;
const BATCHES = REPLAYS / 100;
const AT_ONCE = 8;

let test: TestDatabase;
let up: RunningUp;
let key: SenderKey;
let environment: Record<string, string>;
beforeAll(async () => {
  test = await freshDatabase();
  await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  environment = {
    DATABASE_URL: test.url,
    DAYBOOK_HOME: freshHome(),
    DAYBOOK_SECRET: 'a secret of thirty-two characters',
    LOG_LEVEL: 'error',
  };
  key = JSON.parse(await daybookDone(environment, 'tenant', 'key', 'acme', '--ingest', '--json'));
  up = await startUp(environment, ['--no-demo', '--api', '2']);
}, 120_000);
afterAll(async () => {
  await up.stop();
  await test.drop();
});

it(`${REPLAYS} replays, ${AT_ONCE} at once over two API processes, are ${BATCHES} batches and no row twice`, async () => {
  const bodies = Array.from({ length: BATCHES }, (_, i) => ndjson(callRows(i * 10, 10)));
  const answers = new Map<number, Set<string>>();
  let next = 0;
  const sendOn = async () => {
    for (let at = next++; at < REPLAYS; at = next++) {
      // Eight neighbours are the same batch.
      const batch = Math.floor(at / AT_ONCE) % BATCHES;
      const { headers, payload } = sign(key, bodies[batch], { id: `batch-${batch}` });
      const answer = await fetch(`${up.url}/v1/ingest/calls`, {
        ...{ method: 'POST', headers, body: new Uint8Array(payload) },
      });
      const seen = answers.get(batch) ?? new Set();
      answers.set(batch, seen.add(`${answer.status} ${await answer.text()}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendOn));
  expect([...answers.values()].filter((each) => each.size !== 1)).toEqual([]);
  expect([...answers.values()].every((each) => [...each][0].startsWith('202 '))).toBe(true);
  const count = () =>
    test.database.asOwner(async (tx) => {
      const [found] = await tx.query(
        `select (select count(*)::int from daybook.calls) as calls,
           (select count(*)::int from daybook.ingest_batches) as batches,
           (select count(*)::int from daybook.ingest_batches where state <> 'loaded') as waiting,
           (select count(*)::int from daybook.loads) as loads`,
      );
      return found;
    });
  let found = await count();
  while (found.waiting > 0) found = await count();
  expect(found).toEqual({ calls: BATCHES * 10, batches: BATCHES, waiting: 0, loads: BATCHES });
});
