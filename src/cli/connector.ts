import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { type ConnectorSpec, secretOf } from '../connectors/connector-spec.ts';
import { specOf } from '../connectors/next-due.ts';
import {
  addConnector,
  ConnectorForm,
  changeConnector,
  type SaveDeps,
} from '../connectors/save-connector.ts';
import { tryConnector } from '../connectors/try-connector.ts';
import { openInstallationKeys } from '../delivery/installation-secret.ts';
import { DaybookError } from '../errors.ts';
import { createLogger } from '../log.ts';
import { runConnector } from '../scheduler/connectors/run-connector.ts';
import { openSecret, sealingKeyId } from '../secrets/sealed-secret.ts';
import {
  type ConnectorRun,
  listConnectorRuns,
  queueConnectorRun,
  requireConnectorRun,
} from '../store/connector-runs.ts';
import {
  type Connector,
  findSealedSecret,
  listConnectors,
  removeConnector,
} from '../store/connectors.ts';
import { parseForm, readFirstLine } from './form-file.ts';
import { printJson, printTable } from './output.ts';
import { readObject } from './source-flags.ts';
import { type TenantSession, withTenant } from './tenant-session.ts';
import { type TenantOptions, tenantSubcommand } from './tenant-subcommand.ts';

/** Connectors: rows that are fetched from others' HTTP APIs. */

interface SavingOptions extends TenantOptions {
  readonly secret?: string;
  readonly paused?: boolean;
}

const SHOWN_RUNS = 10;
const LOOK_AGAIN_MS = 500;

/** `daybook connector add|change|list|show|test|run|pause|resume|remove` */
export function connectorCommand(): Command {
  const named = (name: string, text: string) =>
    tenantSubcommand(name, text).argument('<connector>', 'name or id');
  const saving = (command: Command) =>
    command
      .argument('<file>', 'JSON, as docs/connectors.md shows it; - for stdin')
      .option('--secret <file>', 'what `auth` sends: the first line of a file')
      .option('--paused', 'it does nothing by itself until it is resumed');
  return new Command('connector')
    .description('rows that are fetched from an HTTP API that answers JSON')
    .addCommand(
      saving(tenantSubcommand('add', 'save one; nothing is fetched yet').argument('<name>')).action(
        add,
      ),
    )
    .addCommand(saving(named('change', 'put another in its place')).action(change))
    .addCommand(tenantSubcommand('list', 'connectors, and when each is due next').action(list))
    .addCommand(named('show', 'how it is saved, and what it fetched last').action(show))
    .addCommand(named('test', 'fetch the first page and store nothing').action(test))
    .addCommand(named('run', 'fetch all that is new now, and wait for it').action(run))
    .addCommand(named('pause', 'do nothing by itself until it is resumed').action(turn(false)))
    .addCommand(named('resume', 'go on by its clock').action(turn(true)))
    .addCommand(
      named('remove', 'remove it with its runs and triggers; its rows stay').action(remove),
    );
}

async function add(name: string, file: string, options: SavingOptions): Promise<void> {
  const form = await formOf(file, options, name);
  const added = await withTenant(options.tenant, async (at) =>
    addConnector(form, at, await saveDeps(at)),
  );
  print([added], options);
}

async function change(name: string, file: string, options: SavingOptions): Promise<void> {
  const changed = await withTenant(options.tenant, async (at) => {
    const before = await named(at, name);
    const form = await formOf(file, options, before.name);
    return changeConnector(before.id, form, at, await saveDeps(at));
  });
  print([changed], options);
}

async function list(options: TenantOptions): Promise<void> {
  const found = await withTenant(options.tenant, ({ tenant, database }) =>
    database.asTenant(tenant.id, listConnectors),
  );
  print(found, options);
}

async function show(name: string, options: TenantOptions): Promise<void> {
  const { connector, runs } = await withTenant(options.tenant, async (at) => {
    const connector = await named(at, name);
    const runs = await at.database.asTenant(at.tenant.id, (tx) =>
      listConnectorRuns(tx, connector.id, null, SHOWN_RUNS),
    );
    return { connector, runs };
  });
  if (options.json) {
    printJson({ ...connector, runs });
    return;
  }
  print([connector], options);
  printJson(connector.spec);
  printRuns(runs);
}

async function test(name: string, options: TenantOptions): Promise<void> {
  const tried = await withTenant(options.tenant, async (at) => {
    const { id, spec: stored, since } = await named(at, name);
    const spec = specOf(stored);
    const secret = await secretAt(at, id);
    const { privateTargets } = at.config;
    const deps = { rules: { privateTargets }, signal: at.signal };
    return tryConnector({ tenant: at.tenant, spec, since, secret }, deps);
  });
  if (options.json) printJson(tried);
  else {
    const { rows, good, rejected, firstReject, sample } = tried;
    const why = firstReject === null ? '' : ` (${firstReject})`;
    process.stdout.write(`${rows} rows on the first page: ${good} good, ${rejected} bad${why}\n`);
    if (sample !== null) process.stdout.write(`${sample}\n`);
  }
  if (tried.rejected > 0) process.exitCode = 1;
}

async function run(name: string, options: TenantOptions): Promise<void> {
  const done = await withTenant(options.tenant, async (at) => {
    const { tenant, database, config, signal } = at;
    const { id: connectorId } = await named(at, name);
    const id = await database.asTenant(tenant.id, (tx) =>
      queueConnectorRun(tx, { tenantId: tenant.id, connectorId, cause: 'person', by: at.name }),
    );
    const deps = {
      ...{ database, rules: { privateTargets: config.privateTargets } },
      keys: await openInstallationKeys(config.home, config.secret),
      log: createLogger({ level: config.logLevel, role: 'cli' }),
    };
    // Here, unless a running Daybook is faster.
    await runConnector({ tenantId: tenant.id, id }, deps, signal);
    return ended(at, id);
  });
  if (options.json) printJson(done);
  else printRuns([done]);
  if (done.state === 'failed' || done.errorCode !== null) process.exitCode = 1;
}

/** One that failed and waits for its next try is no longer waited for. */
async function ended({ tenant, database, signal }: TenantSession, id: string) {
  for (;;) {
    const found = await database.asTenant(tenant.id, (tx) => requireConnectorRun(tx, id));
    if (found.endedAt !== null || (found.state === 'queued' && found.errorCode !== null)) {
      return found;
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}

function turn(active: boolean) {
  return async (name: string, options: TenantOptions): Promise<void> => {
    const changed = await withTenant(options.tenant, async (at) => {
      const { id, spec, name: full } = await named(at, name);
      const form = { ...(spec as ConnectorSpec), name: full, active };
      return changeConnector(id, form, at, await saveDeps(at));
    });
    print([changed], options);
  };
}

async function remove(name: string, options: TenantOptions): Promise<void> {
  await withTenant(options.tenant, async (at) => {
    const { id } = await named(at, name);
    await at.database.asTenant(at.tenant.id, (tx) => removeConnector(tx, id));
  });
  if (options.json) printJson({ removed: name });
  else process.stdout.write(`removed: ${name}\n`);
}

async function formOf(file: string, options: SavingOptions, name: string): Promise<ConnectorForm> {
  const raw = await readObject(file);
  const { secret, paused } = options;
  const more = {
    ...(secret === undefined ? {} : { secret: await readFirstLine(secret) }),
    ...(paused ? { active: false } : {}),
  };
  return parseForm(ConnectorForm, { ...raw, name, ...more }, file);
}

async function saveDeps({ database, config }: TenantSession): Promise<SaveDeps> {
  const keys = await openInstallationKeys(config.home, config.secret);
  return { database, keys, privateTargets: config.privateTargets, now: Date.now };
}

async function secretAt(at: TenantSession, connectorId: string): Promise<string | null> {
  const { tenant, database, config } = at;
  const bytes = await database.asTenant(tenant.id, (tx) => findSealedSecret(tx, connectorId));
  if (bytes === null) return null;
  const keys = await openInstallationKeys(config.home, config.secret);
  const about = secretOf(tenant.id, connectorId);
  return openSecret(keys, about, { bytes, keyId: sealingKeyId(keys) });
}

async function named({ tenant, database }: TenantSession, name: string): Promise<Connector> {
  const all = await database.asTenant(tenant.id, listConnectors);
  const found = all.find((each) => each.name === name) ?? all.find(({ id }) => id === name);
  if (found) return found;
  throw new DaybookError('E_NOT_FOUND', { what: 'connector', got: name.slice(0, 100) });
}

function print(connectors: readonly Connector[], { json }: TenantOptions): void {
  if (json) printJson(connectors);
  else {
    printTable(
      ['NAME', 'DATASET', 'STATE', 'NEXT DUE', 'READ THROUGH', 'ID'],
      connectors.map(({ name, spec, active, nextDue, since, id }) => [
        ...[name, specOf(spec).dataset, active ? 'active' : 'paused'],
        nextDue === null ? '-' : new Date(nextDue).toISOString(),
        ...[since ?? '-', id],
      ]),
    );
  }
}

function printRuns(runs: readonly ConnectorRun[]): void {
  printTable(
    ['QUEUED', 'BY', 'STATE', 'PAGES', 'ROWS', 'LOADED', 'UPDATED', 'REJECTED', 'WHY'],
    runs.map((one) => [
      ...[one.queuedAt.toISOString(), one.requestedBy, one.state],
      ...[one.pages, one.rows, one.loaded, one.updated, one.rejected].map(String),
      one.errorMessage ?? one.firstReject ?? '-',
    ]),
  );
}
