import { Command } from 'commander';
import { shownRecipient } from '../delivery/check-recipient.ts';
import { DaybookError } from '../errors.ts';
import type { Tx } from '../store/database.ts';
import {
  DELIVERY_STATES,
  type DeliveryRow,
  type DeliveryState,
  findDelivery,
  listDeliveries,
} from '../store/deliveries.ts';
import { listAttempts } from '../store/delivery-attempts.ts';
import {
  CANCELLABLE,
  cancelDelivery,
  RESENDABLE,
  resendDelivery,
  resendFailed,
} from '../store/delivery-moves.ts';
import { revokeLinks } from '../store/download-links.ts';
import { settingsCommand } from './delivery-settings.ts';
import { printJson, printTable } from './output.ts';
import { liftCommand, suppressionsCommand } from './suppressions.ts';
import { inTenant } from './tenant-session.ts';
import { idOf, type TenantOptions, tenantSubcommand } from './tenant-subcommand.ts';

const MOST_LISTED = 100;

interface ListOptions extends TenantOptions {
  readonly state?: string;
  readonly occurrence?: string;
}

/** `daybook deliveries list|show|resend|cancel|settings|suppressions|lift` */
export function deliveriesCommand(): Command {
  return new Command('deliveries')
    .description('what is owed to whom: see it, send again what failed, decide what is held')
    .addCommand(
      tenantSubcommand('list', `the newest ${MOST_LISTED}`)
        .option('--state <state>', DELIVERY_STATES.join(', '))
        .option('--occurrence <id>', 'of one due time of a schedule')
        .action(list),
    )
    .addCommand(
      tenantSubcommand('show', 'one of them, with every attempt')
        .argument('<delivery>')
        .action(show),
    )
    .addCommand(
      tenantSubcommand(
        'resend',
        'send one again that failed or is held, or all that failed of a run',
      )
        .argument('[delivery]')
        .option(
          '--failed-of <run>',
          'a run or a due time, by its id: what was sent is not sent again',
        )
        .action(resend),
    )
    .addCommand(
      tenantSubcommand('cancel', 'call off what waits or is held; links to its file end')
        .argument('<delivery>')
        .action(cancel),
    )
    .addCommand(settingsCommand())
    .addCommand(suppressionsCommand())
    .addCommand(liftCommand());
}

async function list(options: ListOptions): Promise<void> {
  const state = options.state === undefined ? undefined : stateOf(options.state);
  const occurrence =
    options.occurrence === undefined ? undefined : idOf('occurrence', options.occurrence);
  const { deliveries, next } = await inTenant(options, (tx) =>
    listDeliveries(tx, { limit: MOST_LISTED, after: null, state, occurrence }),
  );
  if (options.json) printJson(deliveries.map(asJson));
  else {
    printTable(
      ['OWED', 'STATE', 'PURPOSE', 'RECIPIENT', 'LAST', 'ID'],
      deliveries.map((each) => [
        iso(each.createdAt) ?? '',
        each.state,
        each.purpose,
        shownRecipient(each.recipientKind, each.recipient),
        each.lastCode ?? '-',
        each.id,
      ]),
    );
  }
  if (next) process.stderr.write(`daybook: the newest ${MOST_LISTED}; --state tells fewer\n`);
}

async function show(id: string, options: TenantOptions): Promise<void> {
  const { delivery, attempts } = await inTenant(options, async (tx) => {
    const found = await requireDelivery(tx, id);
    return { delivery: found, attempts: await listAttempts(tx, found.id) };
  });
  const log = attempts.map((each) => ({
    attempt: each.attempt,
    message_id: each.messageId,
    via: each.via,
    began_at: iso(each.beganAt),
    final_at: iso(each.finalAt),
    ended_at: iso(each.endedAt),
    outcome: each.outcome,
    stage: each.stage,
    code: each.code,
    reply: each.reply,
  }));
  if (options.json) {
    printJson({ ...asJson(delivery), attempt_log: log });
    return;
  }
  printJson(asJson(delivery));
  printTable(
    ['BEGAN', 'ENDED', 'OUTCOME', 'STAGE', 'CODE', 'REPLY'],
    log.map(({ began_at, ended_at, outcome, stage, code, reply }) => [
      began_at ?? '',
      ended_at ?? '-',
      outcome ?? '-',
      stage ?? '-',
      code ?? '-',
      reply ?? '',
    ]),
  );
}

async function resend(
  id: string | undefined,
  options: TenantOptions & { readonly failedOf?: string },
): Promise<void> {
  const { failedOf } = options;
  if ((id === undefined) === (failedOf === undefined)) {
    throw new DaybookError('E_USAGE', {
      where: 'deliveries resend',
      got: id === undefined ? 'nothing to send' : 'both',
      expected: 'the id of a delivery, or --failed-of the id of a run',
    });
  }
  const resent = await inTenant(options, async (tx) => {
    if (failedOf !== undefined) return resendFailed(tx, idOf('run', failedOf));
    const found = await requireDelivery(tx, id as string);
    if (await resendDelivery(tx, found.id)) return [found.id];
    throw wrongState(found, 'sent again', RESENDABLE);
  });
  if (options.json) printJson({ resent });
  else {
    const what = resent.length === 1 ? 'delivery is' : 'deliveries are';
    process.stdout.write(
      resent.length === 0
        ? 'nothing of it failed\n'
        : `${resent.length} ${what} due now; \`daybook up\` or \`tick\` sends\n`,
    );
  }
}

async function cancel(id: string, options: TenantOptions): Promise<void> {
  const delivery = await inTenant(options, async (tx) => {
    const found = await requireDelivery(tx, id);
    if (!(await cancelDelivery(tx, found.id))) throw wrongState(found, 'called off', CANCELLABLE);
    await revokeLinks(tx, found.id);
    return requireDelivery(tx, found.id);
  });
  if (options.json) printJson(asJson(delivery));
  else process.stdout.write(`${delivery.id}: ${delivery.state}\n`);
}

async function requireDelivery(tx: Tx, id: string): Promise<DeliveryRow> {
  const found = await findDelivery(tx, idOf('delivery', id));
  if (found) return found;
  throw new DaybookError('E_NOT_FOUND', { what: 'delivery', got: id });
}

function wrongState(
  { state }: DeliveryRow,
  what: string,
  possible: readonly string[],
): DaybookError {
  return new DaybookError('E_CONFLICT', {
    where: 'state',
    reason: `the delivery is ${state}; only one that is ${possible.join(' or ')} can be ${what}`,
  });
}

function stateOf(text: string): DeliveryState {
  const state = DELIVERY_STATES.find((each) => each === text);
  if (state) return state;
  throw new DaybookError('E_USAGE', {
    where: '--state',
    got: JSON.stringify(text.slice(0, 80)),
    expected: `one of ${DELIVERY_STATES.join(', ')}`,
  });
}

function asJson(delivery: DeliveryRow) {
  return {
    id: delivery.id,
    occurrence: delivery.occurrenceId,
    file: delivery.reportFileId,
    kind: delivery.recipientKind,
    recipient: shownRecipient(delivery.recipientKind, delivery.recipient),
    purpose: delivery.purpose,
    state: delivery.state,
    attempts: delivery.attempts,
    message_id: delivery.messageId,
    not_before: iso(delivery.notBefore),
    code: delivery.lastCode,
    reply: delivery.lastReply,
    sent_at: iso(delivery.sentAt),
    created_at: iso(delivery.createdAt),
  };
}

/** Null also for what waits for something else than a time. */
function iso(ms: number | null): string | null {
  return ms === null || !Number.isFinite(ms) ? null : new Date(ms).toISOString();
}
