import { pino } from 'pino';
import { openDatabase } from '../../../../src/store/database.ts';
import { commit } from './snapshots.ts';

/** A process that commits a snapshot: url, tenant, snapshot, stated rows. */
const [url, tenantId, id, stated] = process.argv.slice(2);
const database = openDatabase({
  url,
  maxConnections: 3,
  applicationName: 'committer',
  log: pino({ level: 'silent' }),
});
await commit(database, { id: tenantId, name: 'acme' }, id, Number(stated));
process.stdout.write('committed\n');
// Whoever started it ends it.
setInterval(() => {}, 60_000);
