import { afterAll, beforeAll, it } from 'vitest';
import { openReceiver, type Receiver } from '../ingest/signed/support/receiver.ts';
import { callRows, ndjson, type Signed, sign } from '../ingest/signed/support/sender.ts';

const SHORT = process.env.DAYBOOK_LONG === 'short';
const SAMPLES = SHORT ? 4_000 : 20_000;

let to: Receiver;
beforeAll(async () => {
  to = await openReceiver();
});
afterAll(() => to.api.close());

it('an unknown key, a malformed one and a wrong signature are 401 alike; how long each takes is printed', async () => {
  const body = ndjson(callRows(0, 20));
  const wrong = { ...to.key, secret: `whsec_${Buffer.alloc(32, 1).toString('base64')}` };
  const kinds: Record<string, () => Signed> = {
    wrong: () => sign(wrong, body),
    unknown: () => sign({ ...wrong, id: 'dbi_0123456789abcdef' }, body),
    malformed: () => sign({ ...wrong, id: 'nothing' }, body),
  };
  const times: Record<string, number[]> = { wrong: [], unknown: [], malformed: [] };
  const names = Object.keys(kinds);
  for (let i = 0; i < SAMPLES; i++) {
    const name = names[(i + Math.floor(i / names.length)) % names.length];
    const { headers, payload } = kinds[name]();
    const since = performance.now();
    const answer = await to.api.server.inject({
      ...{ method: 'POST', url: '/v1/ingest/calls', headers, payload },
    });
    // What is remembered of keys is asked for again now and then; that is the same for all.
    times[name].push(performance.now() - since);
    if (answer.statusCode !== 401) throw new Error(answer.body);
  }
  const medians = names.map((name) => {
    const sorted = times[name].toSorted((one, other) => one - other);
    return sorted[Math.floor(sorted.length / 2)];
  });
  const apart = Math.max(...medians) / Math.min(...medians) - 1;
  console.log(`medians of ${SAMPLES} samples ${(100 * apart).toFixed(1)} % apart (bar: 5 %)`);
});
