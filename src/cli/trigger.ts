import { Command } from 'commander';
import { addTrigger } from '../connectors/save-trigger.ts';
import { DaybookError } from '../errors.ts';
import { listConnectors } from '../store/connectors.ts';
import { requireSchedule } from '../store/schedules.ts';
import { listTriggers, removeTrigger } from '../store/triggers.ts';
import { printJson, printTable } from './output.ts';
import { usage } from './source-flags.ts';
import { type TenantSession, withTenant } from './tenant-session.ts';
import { type TenantOptions, tenantSubcommand } from './tenant-subcommand.ts';

/** Secret addresses that start a connector or a schedule. */

interface AddOptions extends TenantOptions {
  readonly connector?: string;
  readonly schedule?: string;
}

/** `daybook trigger add|list|remove` */
export function triggerCommand(): Command {
  return new Command('trigger')
    .description('secret addresses that start a connector or a schedule')
    .addCommand(
      tenantSubcommand('add', 'make one; its address is printed this once')
        .argument('<name>')
        .option('--connector <connector>', 'what it runs, name or id')
        .option('--schedule <schedule>', 'what it runs, name or id')
        .action(add),
    )
    .addCommand(tenantSubcommand('list', 'triggers, without their addresses').action(list))
    .addCommand(
      tenantSubcommand('remove', 'its address does nothing any more')
        .argument('<trigger>', 'name or id')
        .action(remove),
    );
}

async function add(name: string, options: AddOptions): Promise<void> {
  const { connector, schedule } = options;
  if ((connector === undefined) === (schedule === undefined)) {
    const got = connector === undefined ? 'neither' : 'both';
    throw usage('--connector, --schedule', got, 'one of the two');
  }
  const { id, url } = await withTenant(options.tenant, async (at) => {
    const starts = await startedBy(at, options);
    const { trigger, path } = await at.database.asTenant(at.tenant.id, (tx) =>
      addTrigger(tx, { tenantId: at.tenant.id, name, starts, by: at.name }),
    );
    const { publicUrl, host, port } = at.config;
    const base = (publicUrl ?? `http://${host}:${port}`).replace(/\/+$/, '');
    return { id: trigger.id, url: `${base}${path}` };
  });
  if (options.json) printJson({ id, name, url });
  else process.stdout.write(`${url}\n`);
}

async function startedBy(
  { tenant, database }: TenantSession,
  { connector, schedule = '' }: AddOptions,
): Promise<{ readonly connector: string } | { readonly schedule: string }> {
  if (connector === undefined) {
    const { id } = await database.asTenant(tenant.id, (tx) => requireSchedule(tx, schedule));
    return { schedule: id };
  }
  const all = await database.asTenant(tenant.id, listConnectors);
  const found = all.find(({ name, id }) => name === connector || id === connector);
  if (found) return { connector: found.id };
  throw new DaybookError('E_NOT_FOUND', { what: 'connector', got: connector.slice(0, 100) });
}

async function list(options: TenantOptions): Promise<void> {
  const { triggers, connectors } = await withTenant(options.tenant, ({ tenant, database }) =>
    database.asTenant(tenant.id, async (tx) => ({
      triggers: await listTriggers(tx),
      connectors: new Map((await listConnectors(tx)).map(({ id, name }) => [id, name])),
    })),
  );
  if (options.json) {
    printJson(triggers);
    return;
  }
  printTable(
    ['NAME', 'STARTS', 'FIRED', 'LAST', 'ID'],
    triggers.map(({ name, connectorId, scheduleId, fires, lastFiredAt, id }) => [
      name,
      connectorId === null
        ? `schedule ${scheduleId}`
        : `connector ${connectors.get(connectorId) ?? connectorId}`,
      ...[String(fires), lastFiredAt?.toISOString() ?? '-', id],
    ]),
  );
}

async function remove(name: string, options: TenantOptions): Promise<void> {
  await withTenant(options.tenant, ({ tenant, database }) =>
    database.asTenant(tenant.id, async (tx) => {
      const found = (await listTriggers(tx)).filter((each) => [each.name, each.id].includes(name));
      // Names are for people: two may bear the same.
      if (found.length > 1) throw usage('trigger', `${found.length} of that name`, 'an id');
      const [only] = found;
      if (only && (await removeTrigger(tx, only.id))) return;
      throw new DaybookError('E_NOT_FOUND', { what: 'trigger', got: name.slice(0, 100) });
    }),
  );
  if (options.json) printJson({ removed: name });
  else process.stdout.write(`removed: ${name}\n`);
}
