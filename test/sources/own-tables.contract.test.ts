import { pino } from 'pino';
import { createPostgresSource } from '../../src/sources/postgres/postgres-source.ts';
import { openDatabase } from '../../src/store/database.ts';
import { cutAfter } from '../support/cut-proxy.ts';
import { addTestTenant, freshDatabase } from '../support/database.ts';
import { type Owner, sourceContract } from './support/source-contract.ts';

sourceContract("Daybook's own tables", async () => {
  const test = await freshDatabase();
  const { database } = test;
  const add = async (name: string) => (await addTestTenant(database, { name, zone: 'UTC' })).id;
  const tenantIds = { mine: await add('mine'), neighbour: await add('neighbour') };
  const run = (owner: Owner, text: string, values: unknown[]) =>
    database.asTenant(tenantIds[owner], (tx) => tx.run(text, values));
  return {
    tenantIds,
    open: () => createPostgresSource(database),
    async openCut() {
      const proxy = await cutAfter(test.url, 'copy (select', 200_000);
      const cut = openDatabase({
        url: proxy.url,
        maxConnections: 1,
        applicationName: 'daybook test',
        log: pino({ level: 'silent' }),
      });
      const close = async () => {
        await cut.close();
        await proxy.close();
      };
      return { source: createPostgresSource(cut), close };
    },
    async insert(owner, lines) {
      await run(
        owner,
        `insert into daybook.order_lines
           (tenant_id, order_id, line_no, ordered_at, sku, description, quantity, unit_price, discount)
         select $1, order_id, line_no, timestamptz 'epoch' + ordered_at * interval '1 ms', sku,
           description, quantity::numeric, unit_price::numeric, discount::numeric
         from json_to_recordset($2) as l (order_id text, line_no bigint, ordered_at bigint,
           sku text, description text, quantity text, unit_price text, discount text)`,
        [tenantIds[owner], JSON.stringify(lines)],
      );
    },
    async change(owner, orderId, description) {
      await run(owner, 'update daybook.order_lines set description = $2 where order_id = $1', [
        ...[orderId, description],
      ]);
    },
    async remove(owner, orderId) {
      await run(owner, 'delete from daybook.order_lines where order_id = $1', [orderId]);
    },
    // The table has no room for one.
    insertBad: null,
    close: () => test.drop(),
  };
});
