import { BSON } from 'mongodb';
import { parseLoadMap } from '../../../../src/mapping/parse-load-map.ts';
import { datasetOf } from '../../../../src/reports/dataset.ts';
import type {
  ForeignConnection,
  ForeignPlace,
  ForeignSource,
} from '../../../../src/sources/foreign-source.ts';
import { openMongo } from '../../../../src/sources/mongodb/mongodb-source.ts';
import type { OrderLine, Owner, SourceBed } from '../../support/source-contract.ts';
import { type MongoStub, startMongoStub } from './mongo-stub.ts';

/** Order lines of two companies in one collection. */

const MAP = {
  fields: {
    ...{ order_id: 'no', line_no: 'line.no', ordered_at: 'placed', sku: 'line.item' },
    ...{ description: 'line.words', quantity: 'line.qty', unit_price: 'line.price' },
    discount: { column: 'line.less', empty: '(none)' },
  },
};

export function connectionTo(host: string): ForeignConnection {
  return {
    settings: { host, database: 'stub', tls: 'off' },
    credentials: {},
    reach: async (name) => name,
  };
}

export function orderPlace(owner: string): ForeignPlace {
  return {
    ...{ dataset: 'order_lines', from: 'orders', map: parseLoadMap(MAP, datasetOf('order_lines')) },
    ...{ anchorColumn: 'placed', keyColumn: 'no', updatedColumn: 'changed' },
    only: { column: 'company', equals: owner },
  };
}

export function orderDocument(owner: string, line: Partial<OrderLine>, changed: Date): Buffer {
  const decimal = (text: string | null | undefined) =>
    text === null || text === undefined ? null : decimalOrText(text);
  const bytes = BSON.serialize({
    _id: new BSON.ObjectId(),
    company: owner,
    no: line.order_id,
    placed: new Date(line.ordered_at ?? 0),
    changed,
    line: {
      no: BSON.Long.fromNumber(line.line_no ?? 1),
      ...(line.sku === undefined ? {} : { item: line.sku }),
      words: line.description ?? null,
      qty: decimal(line.quantity),
      price: decimal(line.unit_price),
      less: decimal(line.discount),
    },
  });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A Decimal128 has 34 digits. */
function decimalOrText(text: string): BSON.Decimal128 {
  return BSON.Decimal128.fromString(text);
}

export interface OrderBed extends SourceBed {
  readonly stub: MongoStub;
}

export async function openOrderBed(): Promise<OrderBed> {
  const stub = await startMongoStub();
  const opened = new Map<Owner, ForeignSource>();
  let clock = Date.UTC(2026, 1, 1);
  const orders: Buffer[] = [];
  stub.collections.set('orders', orders);
  const now = () => {
    clock += 1;
    return new Date(clock);
  };
  const indexOf = (owner: Owner, orderId: string) =>
    orders.findIndex((bytes) => {
      const document = BSON.deserialize(bytes);
      return document['company'] === owner && document['no'] === orderId;
    });
  return {
    stub,
    tenantIds: { mine: 'mine', neighbour: 'neighbour' },
    open(owner) {
      const source = opened.get(owner) ?? openMongo(connectionTo(stub.host), orderPlace(owner));
      opened.set(owner, source);
      return source;
    },
    async openCut(owner) {
      const source = openMongo(connectionTo(stub.host), orderPlace(owner));
      stub.onGetMore = () => 'cut';
      const close = async () => {
        stub.onGetMore = null;
        await source.close();
      };
      return { source, close };
    },
    async insert(owner, lines) {
      const changed = now();
      orders.push(...lines.map((line) => orderDocument(owner, line, changed)));
    },
    async change(owner, orderId, description) {
      const at = indexOf(owner, orderId);
      const document = BSON.deserialize(orders[at], { promoteValues: false });
      document['line'].words = description;
      document['changed'] = now();
      const bytes = BSON.serialize(document);
      orders[at] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    async remove(owner, orderId) {
      orders.splice(indexOf(owner, orderId), 1);
    },
    async insertBad(order_id, ordered_at) {
      const line = { order_id, line_no: 1, ordered_at, quantity: '1', unit_price: '1' };
      orders.push(orderDocument('mine', line, now()));
    },
    async close() {
      for (const source of opened.values()) await source.close();
      await stub.close();
    },
  };
}
