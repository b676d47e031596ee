import type { Command } from 'commander';
import { DaybookError } from '../errors.ts';
import { liftSuppression, listSuppressions } from '../store/suppressions.ts';
import { printJson, printTable } from './output.ts';
import { inTenant } from './tenant-session.ts';
import { idOf, type TenantOptions, tenantSubcommand } from './tenant-subcommand.ts';

/** `daybook deliveries suppressions` */
export function suppressionsCommand(): Command {
  return tenantSubcommand('suppressions', 'who gets nothing any more, and why').action(list);
}

/** `daybook deliveries lift` */
export function liftCommand(): Command {
  return tenantSubcommand('lift', 'let a recipient get mails again, at its own wish')
    .argument('<suppression>')
    .action(lift);
}

async function list(options: TenantOptions): Promise<void> {
  const found = await inTenant(options, listSuppressions);
  const shown = found.map(({ id, recipient, scheduleId, reason, detail, createdAt }) => ({
    ...{ id, recipient, schedule_id: scheduleId, reason, detail },
    created_at: new Date(createdAt).toISOString(),
  }));
  if (options.json) printJson(shown);
  else {
    printTable(
      ['SINCE', 'RECIPIENT', 'REASON', 'SCHEDULE', 'ID'],
      shown.map(({ id, recipient, schedule_id, reason, created_at }) => [
        ...[created_at, recipient, reason, schedule_id ?? 'all', id],
      ]),
    );
  }
}

async function lift(id: string, options: TenantOptions): Promise<void> {
  const lifted = await inTenant(options, (tx) => liftSuppression(tx, idOf('suppression', id)));
  if (!lifted) throw new DaybookError('E_NOT_FOUND', { what: 'suppression', got: id });
  if (options.json) printJson({ id, lifted: true });
  else process.stdout.write(`${id} is lifted\n`);
}
