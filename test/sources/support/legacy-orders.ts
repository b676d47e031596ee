import pg from 'pg';
import { parseLoadMap } from '../../../src/mapping/parse-load-map.ts';
import { datasetOf } from '../../../src/reports/dataset.ts';
import { openForeignPostgres } from '../../../src/sources/foreign-postgres/foreign-postgres.ts';
import type {
  ForeignConnection,
  ForeignPlace,
  ForeignSource,
} from '../../../src/sources/foreign-source.ts';
import { cutAfter } from '../../support/cut-proxy.ts';
import { freshDatabase } from '../../support/database.ts';
import type { OrderLine, Owner, SourceBed } from './source-contract.ts';

/** Order lines of two companies in one table of a Postgres that is not ours. */

/** How the table holds what the bed is given, and the map that reads it. */
export interface LegacyShape {
  /** `create table` and whatever else it takes. */
  readonly ddl: string;
  /** Inserts `$1::json` lines of the company `$2`. */
  readonly insert: string;
  readonly place: Pick<ForeignPlace, 'from' | 'anchorColumn' | 'keyColumn' | 'updatedColumn'>;
  readonly map: object;
  /** The condition that picks an order's lines: `$1` is its id. */
  readonly ofOrder: string;
  readonly descriptionColumn: string;
  /** `from` for queries. */
  readonly quoted: string;
}

export const LINE_COLUMNS = `(order_id text, line_no bigint, ordered_at bigint, sku text,
  description text, quantity text, unit_price text, discount text)`;

/** Where a URL of the test server leads, as a source's settings say it. */
export function connectionTo(url: string): ForeignConnection {
  const { hostname, port, pathname, username, password } = new URL(url);
  return {
    settings: {
      ...{ host: hostname, port, database: pathname.slice(1), user: username, tls: 'off' },
    },
    credentials: { password: decodeURIComponent(password) },
    reach: async (host) => host,
  };
}

export interface LegacyBed extends SourceBed {
  readonly url: string;
  readonly client: pg.Client;
  place(owner: Owner): ForeignPlace;
}

export async function openLegacyOrders(shape: LegacyShape): Promise<LegacyBed> {
  const test = await freshDatabase('template1');
  const client = new pg.Client({ connectionString: test.url });
  await client.connect();
  await client.query(shape.ddl);
  const opened = new Map<Owner, ForeignSource>();
  const map = parseLoadMap(shape.map, datasetOf('order_lines'));
  const place = (owner: Owner): ForeignPlace => ({
    ...{ dataset: 'order_lines', map, ...shape.place },
    only: { column: 'company', equals: owner },
  });
  const { quoted } = shape;
  const { updatedColumn } = shape.place;
  return {
    ...{ url: test.url, client, place },
    tenantIds: { mine: 'mine', neighbour: 'neighbour' },
    open(owner) {
      const source = opened.get(owner) ?? openForeignPostgres(connectionTo(test.url), place(owner));
      opened.set(owner, source);
      return source;
    },
    async openCut(owner) {
      const proxy = await cutAfter(test.url, 'copy (select', 200_000);
      const source = openForeignPostgres(connectionTo(proxy.url), place(owner));
      const close = async () => {
        await source.close();
        await proxy.close();
      };
      return { source, close };
    },
    async insert(owner: Owner, lines: readonly OrderLine[]) {
      await client.query(shape.insert, [JSON.stringify(lines), owner]);
    },
    async change(owner, orderId, description) {
      await client.query(
        `update ${quoted} set ${shape.descriptionColumn} = $3, ${updatedColumn} = clock_timestamp()
         where ${shape.ofOrder} and company = $2`,
        [orderId, owner, description],
      );
    },
    async remove(owner, orderId) {
      await client.query(`delete from ${quoted} where ${shape.ofOrder} and company = $2`, [
        ...[orderId, owner],
      ]);
    },
    async insertBad(orderId, orderedAt) {
      const line = { order_id: orderId, line_no: 1, ordered_at: orderedAt, sku: null };
      const lines = [{ ...line, quantity: '1', unit_price: '1' }];
      await client.query(shape.insert, [JSON.stringify(lines), 'mine']);
    },
    async close() {
      for (const source of opened.values()) await source.close();
      await client.end();
      await test.drop();
    },
  };
}
