import pg from 'pg';
import { parseLoadMap } from '../../../src/mapping/parse-load-map.ts';
import { datasetOf } from '../../../src/reports/dataset.ts';
import type { ForeignPlace, ForeignSource } from '../../../src/sources/foreign-source.ts';
import { openSupabase } from '../../../src/sources/supabase/supabase-source.ts';
import { freshDatabase } from '../../support/database.ts';
import type { OrderLine, Owner, SourceBed } from '../support/source-contract.ts';
import { startPostgrest, tokenOf } from './postgrest-server.ts';
import { openProject, type Project } from './project.ts';

/** Orders of two companies in one table of a Supabase project. */
export interface Shop extends SourceBed {
  readonly client: pg.Client;
  readonly project: Project;
  place(owner: Owner | null): ForeignPlace;
  /** Closed by the shop. @param claims of the token that it reads with */
  openAs(
    claims: Readonly<Record<string, string>>,
    place: ForeignPlace,
    url?: string,
  ): Promise<ForeignSource>;
  /** Lines of `mine` at this instant and the milliseconds behind it, two at each. */
  insertMany(count: number, from: number): Promise<void>;
}

/** Rows of a user's own company: what a tenant's credential sees. */
const DDL = `create schema shop;
  create table shop."Order Lines" (company text not null, ref text primary key, "order" text,
    "a.b" int8, placed timestamptz, "__proto__" text, words text, qty numeric, price numeric,
    less numeric, about jsonb, changed timestamptz not null default clock_timestamp());
  create index on shop."Order Lines" (company, placed, ref);
  alter table shop."Order Lines" enable row level security;
  create policy own on shop."Order Lines" for select to authenticated
    using (company = current_setting('request.jwt.claims')::json->>'company');
  grant usage on schema shop to authenticated, service_role;
  grant select on shop."Order Lines" to authenticated, service_role;
  create policy all_of_it on shop."Order Lines" to service_role using (true)`;
const LINES = `insert into shop."Order Lines"
  (company, ref, "order", "a.b", placed, "__proto__", words, qty, price, less)`;

export async function openShop(): Promise<Shop> {
  const test = await freshDatabase('template1');
  const client = new pg.Client({ connectionString: test.url });
  await client.connect();
  await client.query(DDL);
  const postgrest = await startPostgrest({
    ...{ databaseUrl: test.url, schemas: 'public,shop', maxRows: 1000 },
  });
  const project = await openProject(postgrest.url);
  const opened: ForeignSource[] = [];
  const map = parseLoadMap(
    {
      fields: {
        ...{ order_id: 'order', line_no: 'a.b', ordered_at: 'placed', sku: '__proto__' },
        ...{ description: 'words', quantity: 'qty', unit_price: 'price', discount: 'less' },
        customer: 'about',
      },
    },
    datasetOf('order_lines'),
  );
  const place = (owner: Owner | null): ForeignPlace => ({
    ...{ dataset: 'order_lines', from: 'shop.Order Lines', map },
    ...{ anchorColumn: 'placed', keyColumn: 'ref', updatedColumn: 'changed' },
    only: owner === null ? null : { column: 'company', equals: owner },
  });
  const openAs: Shop['openAs'] = async (claims, of, url = project.url) => {
    const source = openSupabase(
      {
        settings: { url },
        credentials: { key: 'sb_publishable_key', access_token: await tokenOf(claims) },
        reach: async (host) => host,
      },
      of,
    );
    opened.push(source);
    return source;
  };
  const sources = {
    mine: await openAs({ role: 'service_role' }, place('mine')),
    neighbour: await openAs({ role: 'service_role' }, place('neighbour')),
  };
  const insert = async (owner: Owner, lines: readonly OrderLine[]) => {
    await client.query(
      `${LINES} select $1, order_id || '/' || line_no, order_id, line_no,
         timestamptz 'epoch' + ordered_at * interval '1 ms', sku, description,
         quantity::numeric, unit_price::numeric, discount::numeric
       from json_to_recordset($2) as l (order_id text, line_no bigint, ordered_at bigint,
         sku text, description text, quantity text, unit_price text, discount text)`,
      [owner, JSON.stringify(lines)],
    );
  };
  return {
    ...{ client, project, place, openAs, insert },
    tenantIds: { mine: 'mine', neighbour: 'neighbour' },
    open: (owner) => sources[owner],
    async openCut(owner) {
      const cut = await openProject(postgrest.url);
      cut.meddle = async ({ page }) => (page > 1 ? 'cut' : 'pass');
      const source = await openAs({ role: 'service_role' }, place(owner), cut.url);
      return { source, close: () => cut.close() };
    },
    async change(owner, orderId, description) {
      await client.query(
        `update shop."Order Lines" set words = $3, changed = clock_timestamp()
         where "order" = $1 and company = $2`,
        [orderId, owner, description],
      );
    },
    async remove(owner, orderId) {
      await client.query(`delete from shop."Order Lines" where "order" = $1 and company = $2`, [
        ...[orderId, owner],
      ]);
    },
    async insertBad(orderId, orderedAt) {
      const line = { order_id: orderId, line_no: 1, ordered_at: orderedAt, sku: null as never };
      const rest = { description: null, quantity: '1', unit_price: '1', discount: null };
      await insert('mine', [{ ...line, ...rest }]);
    },
    async insertMany(count, from) {
      await client.query(
        `${LINES} select 'mine', $2 || '-' || n, 'o' || n, n,
           timestamptz 'epoch' + ($2::bigint + n / 2) * interval '1 ms', 's', null, n, 1.5, null
         from generate_series(1, $1::int) n`,
        [count, String(from)],
      );
    },
    async close() {
      for (const source of opened) await source.close();
      await project.close();
      await postgrest.stop();
      await client.end();
      await test.drop();
    },
  };
}
