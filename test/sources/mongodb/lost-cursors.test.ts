import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import type { ForeignSource } from '../../../src/sources/foreign-source.ts';
import { openMongo } from '../../../src/sources/mongodb/mongodb-source.ts';
import { isThorough } from '../../support/thorough.ts';
import { readWindow } from '../support/source-contract.ts';
import { type MongoStub, startMongoStub } from './support/mongo-stub.ts';
import { connectionTo, orderDocument, orderPlace } from './support/orders.ts';

/** A cursor that is lost: the reading goes on, or fails and says so; it never ends early. */

const DAY = { start: Date.UTC(2026, 2, 1), end: Date.UTC(2026, 2, 2) };
/** Several batches; more than one of a single instant, at which no going on gets further. */
const ROWS = 9_000;
const MOVING = 3_900;
const ROUNDS = isThorough && process.env.DAYBOOK_LONG !== 'short' ? 200 : 12;
const CHANGED = new Date(0);

let stub: MongoStub;
let source: ForeignSource;
const ids: string[] = [];

beforeAll(async () => {
  stub = await startMongoStub();
  const documents = Array.from({ length: ROWS }, (_, index) => {
    const order_id = `o-${String(index).padStart(5, '0')}`;
    ids.push(order_id);
    const line = {
      order_id,
      line_no: 1,
      ordered_at: DAY.start + Math.min(index, MOVING),
      sku: 's',
    };
    return orderDocument('mine', { ...line, quantity: '1', unit_price: '2.50' }, CHANGED);
  });
  stub.collections.set('orders', documents);
  source = openMongo(connectionTo(stub.host), orderPlace('mine'));
});
beforeEach(() => {
  stub.onGetMore = null;
  stub.onFind = null;
});
afterAll(async () => {
  await source.close();
  await stub.close();
});

const readDay = () =>
  readWindow(source, 'mine', DAY).then(
    ({ rows }) => rows.map((row) => row['order_id']),
    (error: unknown) => error,
  );

describe('a cursor that is lost', () => {
  it.each(['cut', 'lose', 'interrupt'] as const)(
    'once (%s) is opened anew where it was, and every row comes once',
    async (how) => {
      let lost = 0;
      stub.onGetMore = () => {
        lost += 1;
        return lost === 1 ? how : 'answer';
      };
      expect(await readDay()).toEqual(ids);
      expect(lost).toBeGreaterThan(1);
    },
  );

  it(`${ROUNDS} times, after any number of batches, again and again or not, is whole or an error`, async () => {
    let whole = 0;
    let failed = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const from = 1 + (round % 2);
      const how = (['cut', 'lose', 'interrupt'] as const)[round % 3];
      const forGood = round % 5 === 0;
      let seen = 0;
      stub.onGetMore = () => {
        seen += 1;
        return seen === from || (forGood && seen > from) ? how : 'answer';
      };
      const read = await readDay();
      if (read instanceof DaybookError) {
        expect(read).toMatchObject({ code: 'E_UNAVAILABLE', retryable: true });
        failed += 1;
      } else {
        expect(read).toEqual(ids);
        whole += 1;
      }
    }
    expect(whole + failed).toBe(ROUNDS);
    expect(Math.min(whole, failed)).toBeGreaterThan(ROUNDS / 10);
  }, 120_000);

  it('fails the reading when a row comes or goes meanwhile, and the next one has it', async () => {
    const orders = stub.collections.get('orders') ?? [];
    const late = { order_id: 'late', line_no: 1, ordered_at: DAY.start, sku: 's' };
    stub.onGetMore = (nth) => {
      if (orders.length === ROWS) {
        orders.push(
          orderDocument('mine', { ...late, quantity: '1', unit_price: '1' }, new Date(nth)),
        );
      }
      return 'answer';
    };
    const error = await readDay();
    expect(error).toMatchObject({ code: 'E_UNAVAILABLE', retryable: true });
    expect((error as Error).message).toMatch(/of 9000|changed while they were read/);
    expect(await readDay()).toHaveLength(ROWS + 1);
    orders.pop();
  });
});

describe('what a MongoDB is asked', () => {
  it('bears majority read concern, the window and the tenant in every find and count', async () => {
    stub.commands.length = 0;
    await readDay();
    const asked = stub.commands.filter((command) => 'find' in command || 'aggregate' in command);
    expect(asked.length).toBeGreaterThanOrEqual(3);
    for (const command of asked) {
      expect(command['readConcern']).toEqual({ level: 'majority' });
      const filter = command['filter'] ?? command['pipeline'][0].$match;
      expect(filter.$and).toEqual([
        { placed: { $gte: new Date(DAY.start), $lt: new Date(DAY.end) } },
        { company: { $eq: 'mine' } },
      ]);
    }
  });
});
