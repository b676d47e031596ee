import { randomUUID } from 'node:crypto';
import type { Config } from '../../config.ts';
import { budgetFor } from '../../pool/budget.ts';
import { connectionsAllowed } from '../../store/connections-allowed.ts';
import type { Database, Tx } from '../../store/database.ts';
import { inspectMigrations } from '../../store/migrate.ts';
import { localTextOf } from '../../time/local-time.ts';
import { type Check, check, fail, ok, warn } from './check.ts';

/** What the database has to offer. */

const LEAST_VERSION = 15;
const LARGEST_SKEW_MS = 60_000;
/** Both halves of years over which zone data were changed and corrected. */
const SAMPLED_DATES = [1999, 2007, 2011, 2016, 2019, 2022, 2024, 2026].flatMap((year) => [
  Date.UTC(year, 0, 15, 12),
  Date.UTC(year, 6, 15, 12),
]);

/** All checks of a database; when it is not reachable, only that. */
export async function checkDatabase(
  database: Database,
  url: string,
  config: Config,
): Promise<Check[]> {
  const reachable = await check('postgres', () => database.asOwner(lookAtVersion));
  if (reachable.state === 'fail') return [reachable];
  const migrations = await check('migrations', () => lookAtMigrations(url));
  return [
    reachable,
    migrations,
    ...(migrations.state === 'ok' ? [await checkRowSecurity(database)] : []),
    await check('connections', () => database.asOwner((tx) => lookAtConnections(tx, config))),
    await check('clock', () => database.asOwner(lookAtClock)),
    await check('zones', () => database.asOwner(lookAtZones)),
  ];
}

async function lookAtVersion(tx: Tx) {
  const [{ version, major }] = await tx.query<{ version: string; major: number }>(
    `select current_setting('server_version') as version,
       current_setting('server_version_num')::int / 10000 as major`,
  );
  return major >= LEAST_VERSION
    ? ok(version)
    : fail(`got ${version}; expected ${LEAST_VERSION} or newer`);
}

async function lookAtMigrations(url: string) {
  const states = await inspectMigrations(url);
  const of = (wanted: string) =>
    states.filter(({ state }) => state === wanted).map(({ version }) => version);
  const [changed, pending, unknown] = [of('changed'), of('pending'), of('unknown')];
  if (changed.length > 0) return fail(`${changed.join(', ')} changed after being applied`);
  if (unknown.length > 0) return warn(`${unknown.join(', ')}: from another version of Daybook`);
  if (pending.length > 0) return warn(`${pending.length} to apply; the next command does it`);
  return ok(`${states.length} applied`);
}

function checkRowSecurity(database: Database): Promise<Check> {
  return check('row security', async () => {
    const [{ seen }] = await database.asTenant(randomUUID(), (tx) =>
      tx.query<{ seen: number }>('select count(*)::int as seen from daybook.tenants'),
    );
    return seen === 0
      ? ok('a stranger sees no tenant')
      : fail(`a tenant that does not exist sees ${seen} tenants; expected 0`);
  });
}

/** Against what the budget of processes makes of this machine, this database and the settings. */
async function lookAtConnections(tx: Tx, config: Config) {
  const allowed = await connectionsAllowed(tx);
  const [{ used }] = await tx.query<{ used: number }>(
    `select count(*)::int as used from pg_stat_activity where backend_type = 'client backend'`,
  );
  const budget = budgetFor(config.cores, allowed, config);
  const wanted =
    budget.apiProcesses * budget.apiPool +
    budget.runnerPool +
    budget.computeProcesses * budget.threadsPerCompute;
  const finding = `${allowed} allowed, ${used} in use; \`up\` wants ${wanted}`;
  if (allowed < wanted) return fail(`${finding}; expected ${wanted} or more allowed`);
  return allowed - used < wanted ? warn(`${finding}, unless it is running already`) : ok(finding);
}

async function lookAtClock(tx: Tx) {
  const before = Date.now();
  const [{ now }] = await tx.query<{ now: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as now',
  );
  const skewMs = Math.round(now - (before + Date.now()) / 2);
  const finding = `the database is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead'}`;
  return Math.abs(skewMs) > LARGEST_SKEW_MS ? warn(`${finding}; expected under 60 s`) : ok(finding);
}

/** Days are made by Node's data alone; who looks with SQL should see the same. */
async function lookAtZones(tx: Tx) {
  const zones = Intl.supportedValuesOf('timeZone');
  const rows = await tx.query<{ zone: string; ms: string; text: string }>(
    `select n.zone, t.ms::text, to_char(to_timestamp(t.ms / 1000) at time zone p.name,
         'YYYY-MM-DD HH24:MI:SS') as text
     from unnest($1::text[]) as n (zone)
       join pg_timezone_names p on lower(p.name) = lower(n.zone)
       cross join unnest($2::bigint[]) as t (ms)`,
    [zones, SAMPLED_DATES],
  );
  const known = new Set(rows.map(({ zone }) => zone));
  const strange = zones.filter((zone) => !known.has(zone));
  const different = [
    ...new Set(
      rows
        .filter(({ zone, ms, text }) => localTextOf(zone, Number(ms)) !== text)
        .map(({ zone }) => zone),
    ),
  ];
  if (strange.length + different.length === 0) {
    return ok(`Node (${process.versions.tz}) and Postgres agree on ${zones.length} zones`);
  }
  const list = (names: string[]) =>
    names.length > 5 ? `${names.slice(0, 5).join(', ')}…` : names.join(', ');
  return warn(
    [
      different.length > 0 && `Node and Postgres differ on ${different.length}: ${list(different)}`,
      strange.length > 0 && `Postgres lacks ${strange.length}: ${list(strange)}`,
    ]
      .filter((text) => text !== false)
      .join('; '),
  );
}
