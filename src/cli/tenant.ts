import { Command } from 'commander';
import { configFromProcess } from '../config.ts';
import { openInstallationKeys } from '../delivery/installation-secret.ts';
import { DaybookError } from '../errors.ts';
import { createIngestKey } from '../ingest/signed/create-key.ts';
import { PRESETS, TENANT_SCOPES } from '../principals/permissions.ts';
import { principalName } from '../principals/principal.ts';
import { LOCALES } from '../reports/request.ts';
import { createApiKey } from '../store/api-keys.ts';
import { moveDueTimes } from '../store/save-schedule.ts';
import {
  addTenant,
  listTenants,
  requireTenant,
  setTenantZone,
  type Tenant,
} from '../store/tenants.ts';
import { printJson, printTable } from './output.ts';
import { withDatabase } from './session.ts';

/** Who works at this machine acts as the operator. */
const LOCAL_OPERATOR = principalName({ kind: 'operator', userId: 'cli' });

/** `daybook tenant add|list|key|zone` */
export function tenantCommand(): Command {
  return new Command('tenant')
    .description('tenants, their zones and API keys')
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(keyCommand())
    .addCommand(zoneCommand());
}

function addCommand(): Command {
  return new Command('add')
    .description('add a tenant')
    .argument('<name>', 'lower-case letters, digits and hyphens')
    .requiredOption('--zone <zone>', 'IANA time zone that makes its days, such as Europe/London')
    .option('--title <text>', 'its name for people (default: the name)')
    .option('--locale <locale>', `one of ${LOCALES.join(', ')}`, 'en')
    .option('--currency <code>', 'ISO 4217', 'USD')
    .option('--json', 'print one JSON document')
    .action(async (name: string, options: AddOptions) => {
      const tenant = await withDatabase(configFromProcess(), ({ database }) =>
        database.asSystem((tx) => addTenant(tx, { ...options, name })),
      );
      if (options.json) printJson(tenant);
      else printTenants([tenant]);
    });
}

interface AddOptions {
  readonly zone: string;
  readonly title?: string;
  readonly locale: string;
  readonly currency: string;
  readonly json?: boolean;
}

function listCommand(): Command {
  return new Command('list')
    .description('list all tenants')
    .option('--json', 'print one JSON document')
    .action(async (options: { json?: boolean }) => {
      const tenants = await withDatabase(configFromProcess(), ({ database }) =>
        database.asSystem(listTenants, { readOnly: true }),
      );
      if (options.json) printJson(tenants);
      else printTenants(tenants);
    });
}

function keyCommand(): Command {
  return new Command('key')
    .description('make an API key, or one that signs batches; its secret is printed this once')
    .argument('<name>', 'tenant')
    .option(
      '--scope <scope>',
      `what it may do, repeatable; one of ${TENANT_SCOPES.join(', ')} (default: ${PRESETS[0]})`,
      (scope: string, before: string[] = []) => [...before, scope],
    )
    .option('--label <text>', 'a name to know the key by', 'command line')
    .option('--ingest', 'a key that signs batches (Standard Webhooks), instead of an API key')
    .option('--json', 'print one JSON document')
    .action(async (name: string, options: KeyOptions) => {
      if (options.ingest) return printIngestKey(name, options);
      const key = await withDatabase(configFromProcess(), ({ database }) =>
        database.asSystem(async (tx) => {
          const tenant = await requireTenant(tx, name);
          const scopes = options.scope ?? [PRESETS[0]];
          const { id, token } = await createApiKey(tx, {
            tenantId: tenant.id,
            name: options.label,
            scopes,
            createdBy: LOCAL_OPERATOR,
          });
          return { id, tenant: tenant.name, scopes, token };
        }),
      );
      if (options.json) printJson(key);
      else process.stdout.write(`${key.token}\n`);
    });
}

interface KeyOptions {
  readonly scope?: string[];
  readonly label: string;
  readonly ingest?: boolean;
  readonly json?: boolean;
}

/** Other schemes, maps and ends are for `POST /v1/ingest/keys`. */
async function printIngestKey(name: string, options: KeyOptions): Promise<void> {
  if (options.scope) {
    throw new DaybookError('E_USAGE', {
      where: '--scope',
      got: options.scope.join(', '),
      expected: 'none with --ingest: such a key sends rows and nothing else',
    });
  }
  const config = configFromProcess();
  const keys = await openInstallationKeys(config.home, config.secret);
  const key = await withDatabase(config, async ({ database }) => {
    const tenant = await database.asSystem((tx) => requireTenant(tx, name));
    const made = await database.asTenant(tenant.id, (tx) =>
      createIngestKey(
        tx,
        {
          tenantId: tenant.id,
          name: options.label,
          source: null,
          scheme: 'standard',
          secret: null,
          header: null,
          prefix: null,
          idHeader: null,
          datasets: [],
          maps: {},
          createdBy: LOCAL_OPERATOR,
          expiresAt: null,
        },
        keys,
      ),
    );
    return { ...made, tenant: tenant.name };
  });
  if (options.json) printJson(key);
  else process.stdout.write(`${key.id} ${key.secret}\n`);
}

function zoneCommand(): Command {
  return new Command('zone')
    .description('change the zone from a local date on; earlier days stay as they are')
    .argument('<name>', 'tenant')
    .argument('<zone>', 'IANA time zone')
    .requiredOption('--from <date>', 'YYYY-MM-DD, not before the latest change')
    .option('--json', 'print one JSON document')
    .action(async (name: string, zone: string, options: { from: string; json?: boolean }) => {
      const tenant = await withDatabase(configFromProcess(), ({ database }) =>
        database.asSystem(async (tx) => {
          const { id } = await requireTenant(tx, name);
          const moved = await setTenantZone(tx, id, zone, options.from);
          await moveDueTimes(tx, moved);
          return moved;
        }),
      );
      if (options.json) printJson(tenant);
      else printTenants([tenant]);
    });
}

function printTenants(tenants: readonly Tenant[]): void {
  printTable(
    ['NAME', 'TITLE', 'ZONE', 'LOCALE', 'CURRENCY', 'ID'],
    tenants.map((tenant) => [
      tenant.name,
      tenant.title,
      tenant.calendar
        .map(({ from, zone }, place) => (place === 0 ? zone : `${zone} from ${from}`))
        .join(', '),
      tenant.locale,
      tenant.currency,
      tenant.id,
    ]),
  );
}
