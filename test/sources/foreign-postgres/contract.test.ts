import { type LegacyShape, LINE_COLUMNS, openLegacyOrders } from '../support/legacy-orders.ts';
import { sourceContract } from '../support/source-contract.ts';

/** Every column has the type that we want, under another name: the server casts. */
const PLAIN: LegacyShape = {
  ddl: `create schema shop;
    create table shop."Order Lines" (company text not null, "No" text, line int8, placed timestamptz,
      item varchar(40), words text, qty numeric, price numeric, less numeric,
      changed timestamptz not null default clock_timestamp());
    create index on shop."Order Lines" (company, placed)`,
  insert: `insert into shop."Order Lines"
    select $2, order_id, line_no, timestamptz 'epoch' + ordered_at * interval '1 ms', sku, description,
      quantity::numeric, unit_price::numeric, discount::numeric
    from json_to_recordset($1) as l ${LINE_COLUMNS}`,
  place: {
    ...{ from: 'shop.Order Lines', anchorColumn: 'placed', keyColumn: 'No' },
    updatedColumn: 'changed',
  },
  map: {
    fields: {
      ...{ order_id: 'No', line_no: 'line', ordered_at: 'placed', sku: 'item' },
      ...{ description: 'words', quantity: 'qty', unit_price: 'price', discount: 'less' },
    },
  },
  ofOrder: `"No" = $1`,
  descriptionColumn: 'words',
  quoted: 'shop."Order Lines"',
};

/** Nothing is as we want it: wall times, texts, a key in two columns. The map does it. */
const MAPPED: LegacyShape = {
  ddl: `create table cdr (company varchar(20), head text, tail text, line text, at timestamp,
      item text, words text, qty text, price text, less text, changed timestamp not null default clock_timestamp());`,
  insert: `insert into cdr
    select $2, left(order_id, 1), substr(order_id, 2), line_no::text,
      (timestamptz 'epoch' + ordered_at * interval '1 ms') at time zone 'UTC', coalesce(sku, '-'),
      coalesce(description, '(none)'), quantity, unit_price, discount
    from json_to_recordset($1) as l ${LINE_COLUMNS}`,
  place: { from: 'cdr', anchorColumn: 'at', keyColumn: 'tail', updatedColumn: 'changed' },
  map: {
    zone: 'Etc/UTC',
    fields: {
      ...{ order_id: { join: ['head', 'tail'] }, line_no: 'line', ordered_at: 'at' },
      ...{ sku: { column: 'item', empty: '-' }, description: { column: 'words', empty: '(none)' } },
      ...{ quantity: 'qty', unit_price: 'price', discount: 'less' },
    },
  },
  ofOrder: 'head || tail = $1',
  descriptionColumn: 'words',
  quoted: 'cdr',
};

sourceContract('a foreign Postgres whose columns fit', () => openLegacyOrders(PLAIN));
sourceContract('a foreign Postgres read through a map', async () => {
  const bed = await openLegacyOrders(MAPPED);
  const { insertBad } = bed;
  // The key column holds the rest of the id.
  return { ...bed, insertBad: insertBad && ((id, at) => insertBad(`x${id}`, at)) };
});
