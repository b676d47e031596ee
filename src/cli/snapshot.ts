import { Command } from 'commander';
import { DaybookError } from '../errors.ts';
import { commitSnapshot } from '../ingest/mirror/commit-snapshot.ts';
import { describeSnapshot } from '../ingest/mirror/describe-snapshot.ts';
import { parseInstant } from '../mapping/iso-time.ts';
import type { DatasetName } from '../reports/dataset.ts';
import {
  discardSnapshot,
  listSnapshots,
  requireSnapshot,
  type Snapshot,
} from '../store/snapshots.ts';
import { countOf, leaveOf } from './mirror-flags.ts';
import { printJson, printTable } from './output.ts';
import { inTenant, withTenant } from './tenant-session.ts';
import { idOf, type TenantOptions, tenantSubcommand } from './tenant-subcommand.ts';

/** What others sent of all they have, and what was held back: a person looks, and decides. */

const MOST_LISTED = 500;

interface CommitOptions extends TenantOptions {
  readonly rows: string;
  readonly allowDeletes?: string;
  readonly allowRejects?: string;
  readonly completeThrough?: string;
}

/** `daybook snapshot list|show|commit|discard` */
export function snapshotCommand(): Command {
  const named = (name: string, description: string) =>
    tenantSubcommand(name, description).argument('<snapshot>', 'its id');
  return new Command('snapshot')
    .description('what was sent for mirrors: see what was held back, commit it or give it up')
    .addCommand(tenantSubcommand('list', 'snapshots, newest first').action(list))
    .addCommand(named('show', 'what came, and why it was held back').action(show))
    .addCommand(
      named('commit', 'insert, update, and delete what it does not name; all of it or nothing')
        .requiredOption('--rows <rows>', 'how many different rows there are')
        .option('--allow-deletes <rows>', 'a number, or all: delete so many after all')
        .option('--allow-rejects <rows>', 'so many refused rows are no reason to stop')
        .option('--complete-through <instant>', 'the dataset is complete up to this instant')
        .action(commit),
    )
    .addCommand(named('discard', 'give up one that is not committed').action(discard));
}

async function list(options: TenantOptions): Promise<void> {
  const found = await inTenant(options, (tx, { id: tenantId }) =>
    listSnapshots(tx, { tenantId, limit: MOST_LISTED }),
  );
  if (options.json) printJson(found.map(describeSnapshot));
  else {
    printTable(
      ['OPENED', 'DATASET', 'SOURCE', 'STATE', 'ROWS', 'ID', 'HELD BACK BECAUSE'],
      found.map((each) => [
        ...[each.openedAt.toISOString(), each.dataset, each.source, each.state],
        ...[String(each.rows), each.id, refusalOf(each)],
      ]),
    );
  }
}

/** What was said of one that was committed after all is over. */
const refusalOf = ({ state, refusal }: Snapshot) =>
  state === 'refused' && refusal !== null ? refusal : '-';

async function show(id: string, options: TenantOptions): Promise<void> {
  const snapshot = await inTenant(options, (tx, { id: tenantId }) =>
    requireSnapshot(tx, { tenantId, id: idOf('snapshot', id) }),
  );
  const shown = describeSnapshot(snapshot);
  if (options.json) return printJson(shown);
  const { window, prefix } = shown.scope;
  const lines: [string, string][] = [
    ['snapshot', `${shown.id} of ${shown.dataset}, from ${shown.source}`],
    ['scope', window ? `${window.start} to before ${window.end}` : 'all days'],
    ...(prefix === null ? [] : [['', `ids that begin with ${prefix}`] as [string, string]]),
    ['opened', `${shown.opened_at} by ${shown.opened_by}`],
    ['came', `${shown.rows} rows in ${shown.parts} parts`],
    [
      'state',
      shown.ended_at ? `${shown.state} ${shown.ended_at} by ${shown.ended_by}` : shown.state,
    ],
    ...(shown.ended_at ? [] : [['kept until', shown.expires_at] as [string, string]]),
    ...(shown.refusal === null ? [] : [['held back', shown.refusal] as [string, string]]),
    ...(shown.result === null ? [] : [['result', resultWords(shown.result)] as [string, string]]),
  ];
  for (const [name, value] of lines) process.stdout.write(`${name.padEnd(12)}${value}\n`);
}

async function commit(id: string, options: CommitOptions): Promise<void> {
  const stated = countOf('--rows', options.rows);
  const leave = leaveOf(options);
  const { completeThrough: mark } = options;
  const completeThrough = mark === undefined ? null : parseInstant(mark, '--complete-through');
  const result = await withTenant(options.tenant, async (session) => {
    const { tenant, database, signal, name: requestedBy } = session;
    const snapshot = await database.asTenant(tenant.id, (tx) =>
      requireSnapshot(tx, { tenantId: tenant.id, id: idOf('snapshot', id) }),
    );
    const dataset = snapshot.dataset as DatasetName;
    return commitSnapshot(
      { tenant, dataset, id: snapshot.id, stated, completeThrough, leave, requestedBy },
      { database, signal },
    );
  });
  if (options.json) printJson(result);
  else process.stdout.write(`${resultWords(result)}\n`);
}

function resultWords(result: Awaited<ReturnType<typeof commitSnapshot>>): string {
  const { loaded, updated, unchanged, removed, rejected } = result;
  return `${loaded} loaded, ${updated} updated, ${unchanged} unchanged, ${removed} removed, ${rejected} rejected`;
}

async function discard(id: string, options: TenantOptions): Promise<void> {
  const snapshot = await withTenant(options.tenant, ({ tenant, database, name: endedBy }) =>
    database.asTenant(tenant.id, (tx) =>
      discardSnapshot(tx, { tenantId: tenant.id, id: idOf('snapshot', id), endedBy }),
    ),
  );
  if (snapshot.state === 'committed') {
    const where = `snapshot ${snapshot.id}`;
    throw new DaybookError('E_CONFLICT', { where, reason: 'it is committed already' });
  }
  if (options.json) printJson(describeSnapshot(snapshot));
  else process.stdout.write(`${snapshot.id} is ${snapshot.state}\n`);
}
