import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { freshDatabase, onServer, type TestDatabase, urlOfDatabase } from './database.ts';
import { daybookDone, type Environment } from './daybook-command.ts';
import { freshHome } from './embedded.ts';
import { BANK, BANK_MONTHS, SHOP } from './real-figures.ts';

/** The real files, loaded by the built command with the maps of the docs. */

export function docsMap(name: string): string {
  return fileURLToPath(new URL(`../../docs/maps/${name}.json`, import.meta.url));
}

export interface Loaded {
  readonly loaded: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly days: number;
}
export interface RealLoads {
  readonly january: Loaded;
  readonly october: Loaded;
  readonly sales: Loaded;
}

const TEMPLATE = 'template_real';

/**
 * A database of one's own with both months and the sales, and what the loads printed. The first to
 * ask in a run of tests loads; the others get a copy.
 */
export async function realDatabase(): Promise<TestDatabase & { readonly loads: RealLoads }> {
  const admin = inject('postgresUrl');
  const loaded = () =>
    onServer<{ loads: string }>(
      admin,
      `select shobj_description(oid, 'pg_database') as loads
       from pg_database where datname = '${TEMPLATE}'`,
    );
  if ((await loaded()).length === 0) {
    const name = `loading_${randomBytes(6).toString('hex')}`;
    await onServer(admin, `create database ${name} template template_daybook`);
    const loads = await loadAll({
      DATABASE_URL: urlOfDatabase(name),
      DAYBOOK_HOME: freshHome(),
      LOG_LEVEL: 'error',
    });
    await onServer(admin, `comment on database ${name} is '${JSON.stringify(loads)}'`);
    // Another file of tests may have been faster; then this one is left to the server's end.
    await onServer(admin, `alter database ${name} rename to ${TEMPLATE}`).catch(async (error) => {
      if ((await loaded()).length === 0) throw error;
    });
  }
  const [{ loads }] = await loaded();
  return { ...(await freshDatabase(TEMPLATE)), loads: JSON.parse(loads) as RealLoads };
}

async function loadAll(environment: Environment): Promise<RealLoads> {
  for (const { tenant, zone, currency } of [BANK, SHOP]) {
    await daybookDone(environment, 'tenant', 'add', tenant, '--zone', zone, '--currency', currency);
  }
  const months = async () => ({
    january: await loadMonth(environment, BANK_MONTHS[0]),
    october: await loadMonth(environment, BANK_MONTHS[1]),
  });
  const [calls, sales] = await Promise.all([
    months(),
    load(environment, 'order_lines', SHOP.file, SHOP),
  ]);
  return { ...calls, sales };
}

async function load(
  environment: Environment,
  dataset: string,
  file: string,
  { tenant, map }: typeof BANK | typeof SHOP,
): Promise<Loaded> {
  const printed = await daybookDone(
    environment,
    ...['load', dataset, file, '--tenant', tenant, '--map', docsMap(map), '--json'],
  );
  return JSON.parse(printed) as Loaded;
}

/** Loads a month of calls by command. */
export function loadMonth(environment: Environment, { file }: { file: string }): Promise<Loaded> {
  return load(environment, 'calls', file, BANK);
}
