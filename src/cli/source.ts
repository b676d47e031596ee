import { Command } from 'commander';
import {
  asOwner,
  bindSource,
  markBound,
  requireSource,
  type SourceActor,
  type SourceDeps,
  saveSource,
  unbind,
} from '../bindings/save-source.ts';
import { testSource } from '../bindings/test-source.ts';
import { configFromProcess } from '../config.ts';
import { openInstallationKeys } from '../delivery/installation-secret.ts';
import { parseInstant } from '../mapping/iso-time.ts';
import { LOCAL_OPERATOR } from '../store/owners.ts';
import { listBindings } from '../store/source-bindings.ts';
import { listSources, removeSource, SOURCE_KINDS, type SourceRow } from '../store/sources.ts';
import { requireTenant } from '../store/tenants.ts';
import { untilInterrupted } from './interrupts.ts';
import { printJson, printTable } from './output.ts';
import { withDatabase } from './session.ts';
import {
  type BindFlags,
  datasetAt,
  parsePair,
  rawBindingOf,
  readObject,
  readTexts,
  usage,
} from './source-flags.ts';
import { collect } from './tenant-subcommand.ts';

/** Foreign databases that rows are read from, and whose rows stand where. */

interface Options {
  readonly tenant?: string;
  readonly json?: boolean;
}
interface AddOptions extends Options {
  readonly kind: string;
  readonly set?: readonly string[];
  readonly credentials?: string;
}

/** `daybook source add|list|test|bind|mark|remove` */
export function sourceCommand(): Command {
  const forTenant = 'name or id; without it the operator’s, for bindings of any tenant';
  const sub = (name: string, text: string) =>
    new Command(name).description(text).option('--json', 'print one JSON document');
  const ofTenant = (command: Command) =>
    command.requiredOption('--tenant <tenant>', 'whose rows they are, name or id');
  return new Command('source')
    .description('foreign databases that rows are read from')
    .addCommand(
      sub('add', 'save how one is reached; nothing is connected yet')
        .argument('<name>')
        .option('--tenant <tenant>', forTenant)
        .requiredOption('--kind <kind>', SOURCE_KINDS.join(', '))
        .option('--set <name=value>', 'a setting such as host=db.example.com, repeatable', collect)
        .option('--credentials <file>', 'JSON object such as {"password":"…"}; - for stdin')
        .action(add),
    )
    .addCommand(
      sub('list', 'sources, and with --tenant what is bound')
        .option('--tenant <tenant>', forTenant)
        .action(list),
    )
    .addCommand(
      ofTenant(sub('test', 'connect, and read one row by each binding'))
        .argument('<source>', 'name or id')
        .action(test),
    )
    .addCommand(
      ofTenant(sub('bind', 'read a tenant’s rows of a dataset from there'))
        .argument('<source>', 'name or id')
        .requiredOption('--dataset <dataset>', 'calls or order_lines')
        .requiredOption('--from <table>', 'table, view or collection')
        .requiredOption('--map <file>', 'JSON, as for `load`')
        .requiredOption('--anchor <column>', 'behind the instant that decides a row’s day')
        .requiredOption('--key <column>', 'no two rows share it')
        .option('--only <column=value>', 'which rows are the tenant’s')
        .option('--only-prefix <column=text>', 'the same, by the beginning of a text')
        .option('--updated <column>', 'grows whenever a row changes')
        .option('--from-date <date>', 'first local date that it answers for')
        .option('--to-date <date>', 'last local date that it answers for')
        .action(bind),
    )
    .addCommand(
      ofTenant(sub('mark', 'say how far the tenant’s rows there are complete; never back'))
        .argument('<source>', 'name or id')
        .requiredOption('--dataset <dataset>', 'calls or order_lines')
        .requiredOption('--complete-through <instant>', 'ISO 8601 with an offset')
        .action(mark),
    )
    .addCommand(
      sub('remove', 'a source that nothing is bound to, or one binding')
        .argument('<source>', 'name or id')
        .option('--tenant <tenant>', forTenant)
        .option('--binding <id>', 'only this binding of the tenant')
        .action(remove),
    );
}

async function add(name: string, options: AddOptions): Promise<void> {
  const settings = Object.fromEntries((options.set ?? []).map((pair) => parsePair('--set', pair)));
  const credentials = options.credentials === undefined ? {} : await readTexts(options.credentials);
  const source = await withSources(options, ({ actor, deps }) => {
    const { kind } = options;
    return saveSource({ name, kind, settings, credentials, shared: false }, actor, deps);
  });
  printSources([source], options);
}

async function list(options: Options): Promise<void> {
  const { sources, bindings } = await withSources(options, async ({ actor, deps }) => {
    const { database } = deps;
    const { tenantId } = actor;
    return {
      sources: await database.asSystem(async (tx) => [
        ...(tenantId === null ? [] : await listSources(tx, tenantId)),
        ...(await listSources(tx, null)),
      ]),
      bindings:
        tenantId === null
          ? []
          : await database.asSystem((tx) => listBindings(tx, { tenantId, sourceId: null })),
    };
  });
  if (options.json) {
    printJson({ sources: sources.map(asJson), bindings });
    return;
  }
  printSources(sources, options);
  if (bindings.length === 0) return;
  printTable(
    ['DATASET', 'SOURCE', 'FROM', 'ONLY', 'DATES', 'BINDING'],
    bindings.map(({ dataset, sourceName, from, only, fromDate, toDate, id }) => [
      ...[dataset, sourceName, from],
      only === null
        ? '-'
        : 'equals' in only
          ? `${only.column}=${only.equals}`
          : `${only.column}=${only.startsWith}…`,
      `${fromDate ?? '…'} to ${toDate ?? '…'}`,
      id,
    ]),
  );
}

async function test(name: string, options: Options): Promise<void> {
  const tried = await withSources(options, async ({ actor, deps, signal }) => {
    const source = await requireSource(name, actor, deps);
    return testSource(source, tenantActor(actor), deps, signal);
  });
  if (options.json) printJson(tried);
  else {
    printTable(
      ['DATASET', 'FROM', 'SERVER', 'ROWS', 'RESULT'],
      tried.map(({ dataset, from, server, sample, error }) => [
        ...[dataset, from, server ?? '-', String(sample)],
        error === null ? 'good' : `${error.message} (${error.code})`,
      ]),
    );
  }
  if (tried.some(({ error }) => error !== null)) process.exitCode = 1;
}

async function bind(name: string, options: Options & BindFlags): Promise<void> {
  const map = await readObject(options.map);
  const bound = await withSources(options, async ({ actor, deps, signal }) => {
    const source = await requireSource(name, actor, deps);
    return bindSource(source, rawBindingOf(options, map), actor, deps, signal);
  });
  if (options.json) printJson(bound);
  else process.stdout.write(`bound: ${bound.id}; ${bound.server}, ${bound.sample} row(s) read\n`);
}

async function mark(
  name: string,
  options: Options & { readonly dataset: string; readonly completeThrough: string },
): Promise<void> {
  const dataset = datasetAt(options.dataset);
  const completeThrough = parseInstant(options.completeThrough, '--complete-through');
  const marked = await withSources(options, async ({ actor, deps }) => {
    const source = await requireSource(name, actor, deps);
    return markBound(source, { dataset, completeThrough }, tenantActor(actor), deps);
  });
  const through = new Date(marked).toISOString();
  if (options.json) printJson({ complete_through: through });
  else process.stdout.write(`${dataset} of ${name} are complete through ${through}\n`);
}

async function remove(
  name: string,
  options: Options & { readonly binding?: string },
): Promise<void> {
  const { binding } = options;
  await withSources(options, async ({ actor, deps }) => {
    if (binding !== undefined) return unbind(binding, tenantActor(actor), deps);
    const source = await requireSource(name, actor, deps);
    await asOwner(source, deps.database, (tx) => removeSource(tx, source.id));
  });
  if (options.json) printJson({ removed: binding ?? name });
  else process.stdout.write(`removed: ${binding ?? name}\n`);
}

interface AtWork {
  readonly actor: SourceActor;
  readonly deps: SourceDeps;
  readonly signal: AbortSignal;
}

/** Whoever has this machine is an operator. */
function withSources<T>(options: Options, work: (at: AtWork) => Promise<T>): Promise<T> {
  const config = configFromProcess();
  const { privateTargets } = config;
  return untilInterrupted((signal) =>
    withDatabase(config, async ({ database }) => {
      const { tenant } = options;
      const found =
        tenant === undefined ? null : await database.asSystem((tx) => requireTenant(tx, tenant));
      const keys = await openInstallationKeys(config.home, config.secret);
      const actor = { tenantId: found?.id ?? null, name: LOCAL_OPERATOR, isOperator: true };
      return work({ actor, deps: { database, keys, privateTargets }, signal });
    }),
  );
}

function tenantActor(actor: SourceActor): SourceActor & { readonly tenantId: string } {
  const { tenantId } = actor;
  if (tenantId === null) throw usage('--tenant', 'nothing', 'whose binding it is');
  return { ...actor, tenantId };
}

function printSources(sources: readonly SourceRow[], options: Options): void {
  if (options.json) printJson(sources.map(asJson));
  else {
    printTable(
      ['NAME', 'KIND', 'FOR', 'SETTINGS', 'ID'],
      sources.map(({ name, kind, tenantId, settings, id }) => [
        ...[name, kind, tenantId === null ? 'all tenants' : 'one tenant'],
        Object.entries(settings)
          .map(([key, value]) => `${key}=${value.slice(0, 60)}`)
          .join(' '),
        id,
      ]),
    );
  }
}

function asJson({ id, name, kind, tenantId, settings, version, createdBy }: SourceRow) {
  return { id, name, kind, shared: tenantId === null, settings, version, created_by: createdBy };
}
