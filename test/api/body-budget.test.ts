import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { BodyBudget } from '../../src/api/body-budget.ts';
import { readRawBody } from '../../src/api/raw-body.ts';

const MIB = 2 ** 20;
let now = 0;
const budgetOf = (bytes: number) => new BodyBudget(bytes, () => now);

/** A body that comes as the test writes it. */
function coming(budget: BodyBudget) {
  const raw = new PassThrough();
  const read = readRawBody(
    { headers: {}, raw: raw as unknown as IncomingMessage },
    8 * MIB,
    budget,
  );
  const outcome = read.then(
    ({ pieces, release }) => ({ bytes: Buffer.concat(pieces).length, release }),
    (error) => ({ code: error.code, release: () => {} }),
  );
  const write = async (bytes: number) => {
    if (!raw.write(Buffer.alloc(bytes))) await once(raw, 'drain');
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { raw, outcome, write };
}

describe('bodies under way', () => {
  it('that are slow make way for another one, the slowest first and no more than it needs', async () => {
    const budget = budgetOf(3 * MIB);
    const slowest = coming(budget);
    const slow = coming(budget);
    await slowest.write(MIB);
    await slow.write(1.5 * MIB);
    now += 60_000;
    const quick = coming(budget);
    await quick.write(MIB);
    quick.raw.end();
    expect(await quick.outcome).toMatchObject({ bytes: MIB });
    expect(await slowest.outcome).toMatchObject({ code: 'E_TIMEOUT' });
    slow.raw.end();
    expect(await slow.outcome).toMatchObject({ bytes: 1.5 * MIB });
  });

  it('that have only begun, come quickly or are whole do not: then the newest is told to come later', async () => {
    const budget = budgetOf(3 * MIB);
    const whole = coming(budget);
    await whole.write(MIB);
    whole.raw.end();
    const { release } = await whole.outcome;
    const quick = coming(budget);
    now += 10_000;
    const begun = coming(budget);
    await quick.write(MIB);
    await begun.write(MIB);
    const newest = coming(budget);
    await newest.write(1);
    expect(await newest.outcome).toMatchObject({ code: 'E_RATE_LIMITED' });
    release();
    const next = coming(budget);
    await next.write(MIB);
    next.raw.end();
    expect(await next.outcome).toMatchObject({ bytes: MIB });
    for (const { raw } of [quick, begun]) raw.end();
    await Promise.all([quick.outcome, begun.outcome]);
  });

  it('that end, well or not, leave nothing held', async () => {
    const budget = budgetOf(2 * MIB);
    for (let i = 0; i < 5; i++) {
      const cut = coming(budget);
      await cut.write(MIB);
      cut.raw.destroy(new Error('cut'));
      expect(await cut.outcome).toMatchObject({ code: 'E_USAGE' });
    }
    const last = coming(budget);
    await last.write(2 * MIB);
    last.raw.end();
    expect(await last.outcome).toMatchObject({ bytes: 2 * MIB });
  });
});
