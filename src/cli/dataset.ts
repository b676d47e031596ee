import { Command } from 'commander';
import { INGEST_DATASETS, type IngestDataset } from '../ingest/signed/ingest-datasets.ts';
import {
  changeDatasetSettings,
  type DatasetSettings,
  readDatasetSettings,
} from '../store/dataset-settings.ts';
import { countOf } from './mirror-flags.ts';
import { printJson, printTable } from './output.ts';
import { usage } from './source-flags.ts';
import { withTenant } from './tenant-session.ts';
import { type TenantOptions, tenantSubcommand } from './tenant-subcommand.ts';

/** What a tenant wants of the rows that come in. */

interface SetOptions extends TenantOptions {
  readonly mirrorDeleteShare?: string;
  readonly mirrorDeleteRows?: string;
  readonly mirrorRejects?: string;
  readonly knownSkus?: string;
}

/** `daybook dataset list|set` */
export function datasetCommand(): Command {
  return new Command('dataset')
    .description('how much a mirror may delete, and whether skus must be known')
    .addCommand(tenantSubcommand('list', 'what is set for each dataset').action(list))
    .addCommand(
      tenantSubcommand('set', 'change what is given, keep the rest')
        .argument('<dataset>', INGEST_DATASETS.join(', '))
        .option(
          '--mirror-delete-share <share>',
          'from 0 to 1: beyond this share of the rows in scope, and beyond …',
        )
        .option('--mirror-delete-rows <rows>', '… so many rows, a mirror deletes nothing')
        .option('--mirror-rejects <rows>', 'so many refused rows a mirror may have')
        .option('--known-skus <on|off>', 'refuse rows whose sku is no product of the tenant')
        .action(set),
    );
}

async function list(options: TenantOptions): Promise<void> {
  const found = await withTenant(options.tenant, ({ tenant, database }) =>
    database.asTenant(tenant.id, async (tx) => {
      const all: [IngestDataset, DatasetSettings][] = [];
      for (const dataset of INGEST_DATASETS) {
        all.push([dataset, await readDatasetSettings(tx, tenant.id, dataset)]);
      }
      return all;
    }),
  );
  print(found, options);
}

async function set(name: string, options: SetOptions): Promise<void> {
  const dataset = INGEST_DATASETS.find((each) => each === name);
  if (dataset === undefined) throw usage('dataset', name, INGEST_DATASETS.join(' or '));
  const share = options.mirrorDeleteShare;
  if (share !== undefined && !/^(?:0(?:\.\d{1,6})?|1(?:\.0{1,6})?)$/.test(share)) {
    throw usage('--mirror-delete-share', share, 'a number from 0 to 1');
  }
  const deleteRows = countOf('--mirror-delete-rows', options.mirrorDeleteRows);
  const rejects = countOf('--mirror-rejects', options.mirrorRejects);
  const { knownSkus } = options;
  if (knownSkus !== undefined && knownSkus !== 'on' && knownSkus !== 'off') {
    throw usage('--known-skus', knownSkus, 'on or off');
  }
  const mirror = {
    ...(share === undefined ? {} : { deleteShare: Number(share) }),
    ...(deleteRows === null ? {} : { deleteRows }),
    ...(rejects === null ? {} : { rejects }),
  };
  if (Object.keys(mirror).length === 0 && knownSkus === undefined) {
    throw usage('dataset set', 'nothing to change', 'one of its options');
  }
  const changed = await withTenant(options.tenant, ({ tenant, database, name: by }) =>
    database.asTenant(tenant.id, (tx) =>
      changeDatasetSettings(tx, {
        ...{ tenantId: tenant.id, dataset, by, mirror },
        ...(knownSkus === undefined ? {} : { knownSkus: knownSkus === 'on' }),
      }),
    ),
  );
  print([[dataset, changed]], options);
}

function print(
  settings: readonly (readonly [IngestDataset, DatasetSettings])[],
  { json }: TenantOptions,
): void {
  if (json) {
    printJson(
      settings.map(([dataset, { mirror, knownSkus }]) => ({
        dataset,
        mirror_delete_share: mirror.deleteShare,
        mirror_delete_rows: mirror.deleteRows,
        mirror_rejects: mirror.rejects,
        known_skus: knownSkus,
      })),
    );
    return;
  }
  printTable(
    ['DATASET', 'MIRROR MAY DELETE', 'REFUSED ROWS', 'SKUS'],
    settings.map(([dataset, { mirror, knownSkus }]) => [
      dataset,
      `${Math.round(mirror.deleteShare * 1000) / 10} %, or ${mirror.deleteRows} rows`,
      `at most ${mirror.rejects}`,
      knownSkus ? 'known ones alone' : 'any',
    ]),
  );
}
