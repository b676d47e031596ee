import { pino } from 'pino';
import { openDatabase } from '../../../src/store/database.ts';
import { type NewEntry, postEntries } from '../../../src/store/ledger.ts';

/** A process of four posters over fifty accounts; begun again, it posts all of its entries again. */

const [url, tenantId, process_, entries] = process.argv.slice(2);
const database = openDatabase({
  url,
  maxConnections: 4,
  applicationName: 'posters',
  log: pino({ level: 'silent' }),
});
const entry = (poster: number, i: number): NewEntry => ({
  source: `p${process_}-${poster}-${i}`,
  kind: 'credit',
  effectiveAt: Date.UTC(2026, 2, 10),
  bookedOn: '2026-03-10',
  payer: `payer ${(Number(process_) * 11 + poster * 7 + i * 13) % 50}`,
  currency: 'USD',
  amount: '0.01',
  contra: 'cash',
});
await Promise.all(
  [0, 1, 2, 3].map(async (poster) => {
    for (let i = 0; i < Number(entries); i += 2) {
      await database.asTenant(
        tenantId,
        (tx) =>
          postEntries(tx, { tenantId, postedBy: 'test' }, [entry(poster, i), entry(poster, i + 1)]),
        { repeatable: true },
      );
    }
  }),
);
await database.close();
