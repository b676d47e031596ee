import { Command } from 'commander';
import { openInstallationKeys } from '../delivery/installation-secret.ts';
import { createIngestKey, parseIngestMaps } from '../ingest/signed/create-key.ts';
import { INGEST_DATASETS } from '../ingest/signed/ingest-datasets.ts';
import { parseInstant } from '../mapping/iso-time.ts';
import {
  INGEST_SCHEMES,
  type IngestKey,
  listIngestKeys,
  revokeIngestKey,
  setIngestMaps,
} from '../store/ingest-keys.ts';
import { readFirstLine } from './form-file.ts';
import { printJson, printTable } from './output.ts';
import { parsePair, readObject, usage } from './source-flags.ts';
import { withTenant } from './tenant-session.ts';
import { collect, type TenantOptions, tenantSubcommand } from './tenant-subcommand.ts';

/** Keys that sign batches. The usual one is also made by `tenant key --ingest`. */

interface AddOptions extends TenantOptions {
  readonly source?: string;
  readonly scheme: string;
  readonly secret?: string;
  readonly header?: string;
  readonly prefix?: string;
  readonly idHeader?: string;
  readonly dataset?: readonly string[];
  readonly map?: readonly string[];
  readonly expires?: string;
}

/** `daybook ingest-key add|list|maps|revoke` */
export function ingestKeyCommand(): Command {
  const map = 'a map for rows with other names, such as calls=map.json; repeatable';
  return new Command('ingest-key')
    .description('keys that sign batches of rows')
    .addCommand(
      tenantSubcommand('add', 'make one; its secret is printed this once')
        .argument('<name>')
        .option('--source <text>', 'who sends; ids of batches are unique within it')
        .option('--scheme <scheme>', INGEST_SCHEMES.join(', '), 'standard')
        .option('--secret <file>', 'one that the sender has chosen: the first line of a file')
        .option('--header <name>', 'of hmac and token: where the signature or token stands')
        .option('--prefix <text>', 'what stands before it')
        .option('--id-header <name>', 'of hmac and token: where the id of a batch stands')
        .option('--dataset <dataset>', `${INGEST_DATASETS.join(', ')}; repeatable`, collect)
        .option('--map <dataset=file>', map, collect)
        .option('--expires <instant>', 'ISO 8601 with an offset')
        .action(add),
    )
    .addCommand(tenantSubcommand('list', 'keys, newest first').action(list))
    .addCommand(
      tenantSubcommand(
        'maps',
        'put other maps in place, also for batches that wait or died of them',
      )
        .argument('<key>', 'its id, dbi_…')
        .argument('[dataset=file...]', 'none: rows bear the names of fields')
        .action(maps),
    )
    .addCommand(
      tenantSubcommand('revoke', 'what it signs is refused within 5 seconds')
        .argument('<key>', 'its id, dbi_…')
        .action(revoke),
    );
}

async function add(name: string, options: AddOptions): Promise<void> {
  const scheme = INGEST_SCHEMES.find((each) => each === options.scheme);
  if (scheme === undefined) throw usage('--scheme', options.scheme, INGEST_SCHEMES.join(', '));
  const { expires, source = null, header = null, prefix = null, idHeader = null } = options;
  const expiresAt = expires === undefined ? null : new Date(parseInstant(expires, '--expires'));
  if (expiresAt !== null && expiresAt.getTime() <= Date.now()) {
    throw usage('--expires', expires ?? '', 'an instant to come');
  }
  const secret = options.secret === undefined ? null : await readFirstLine(options.secret);
  const given = await mapsOf('--map', options.map ?? []);
  const made = await withTenant(options.tenant, async ({ tenant, database, config, name: by }) => {
    const keys = await openInstallationKeys(config.home, config.secret);
    return database.asTenant(tenant.id, (tx) =>
      createIngestKey(
        tx,
        {
          ...{ tenantId: tenant.id, name, source, scheme, secret, header, prefix, idHeader },
          ...{ datasets: options.dataset ?? [], maps: given, createdBy: by, expiresAt },
        },
        keys,
      ),
    );
  });
  if (options.json) printJson({ ...made, name });
  else process.stdout.write(`${made.id} ${made.secret}\n`);
}

async function list(options: TenantOptions): Promise<void> {
  const found = await withTenant(options.tenant, ({ tenant, database }) =>
    database.asTenant(tenant.id, (tx) => listIngestKeys(tx, tenant.id)),
  );
  if (options.json) {
    printJson(found);
    return;
  }
  printTable(
    ['KEY', 'NAME', 'SOURCE', 'SCHEME', 'DATASETS', 'MAPS', 'LAST USED', 'STATE'],
    found.map((key) => [
      ...[key.id, key.name, key.source, key.scheme, key.datasets.join(' ')],
      Object.keys(key.maps).join(' ') || '-',
      ...[key.lastUsedAt?.toISOString() ?? '-', stateOf(key)],
    ]),
  );
}

function stateOf({ revokedAt, expiresAt }: IngestKey): string {
  if (revokedAt !== null) return `revoked ${revokedAt.toISOString()}`;
  return expiresAt === null ? 'good' : `until ${expiresAt.toISOString()}`;
}

async function maps(id: string, pairs: readonly string[], options: TenantOptions): Promise<void> {
  const given = parseIngestMaps(await mapsOf('maps', pairs));
  await withTenant(options.tenant, ({ tenant, database }) =>
    database.asTenant(tenant.id, (tx) =>
      setIngestMaps(tx, { tenantId: tenant.id, id, maps: given }),
    ),
  );
  const datasets = Object.keys(given);
  if (options.json) printJson({ id, maps: datasets });
  else process.stdout.write(`${id}: maps of ${datasets.join(', ') || 'none'}\n`);
}

async function revoke(id: string, options: TenantOptions): Promise<void> {
  await withTenant(options.tenant, ({ tenant, database }) =>
    database.asTenant(tenant.id, (tx) => revokeIngestKey(tx, tenant.id, id)),
  );
  if (options.json) printJson({ revoked: id });
  else process.stdout.write(`revoked: ${id}\n`);
}

async function mapsOf(
  where: string,
  pairs: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const read: [string, unknown][] = [];
  for (const pair of pairs) {
    const [dataset, file] = parsePair(where, pair);
    read.push([dataset, await readObject(file)]);
  }
  return Object.fromEntries(read);
}
