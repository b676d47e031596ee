import { Command } from 'commander';
import { type Config, configFromProcess } from '../config.ts';
import { checkRecipient, shownRecipient } from '../delivery/check-recipient.ts';
import { DaybookError } from '../errors.ts';
import { RECIPIENT_KINDS, type RecipientKind } from '../reports/schedule-spec.ts';
import { openSendStage } from '../scheduler/send/open-send-stage.ts';
import { databaseNow } from '../store/dataset-marks.ts';
import { type DeliveryRow, findDelivery } from '../store/deliveries.ts';
import { oweTest } from '../store/delivery-moves.ts';
import { readDeliverySettings } from '../store/delivery-settings.ts';
import { requireSchedule } from '../store/schedules.ts';
import { requireTenant } from '../store/tenants.ts';
import { untilInterrupted } from './interrupts.ts';
import { printJson } from './output.ts';
import { OWN_HOLDER } from './own-parts.ts';
import { type Session, withDatabase } from './session.ts';

type Options = { readonly tenant: string; readonly json?: boolean } & {
  readonly [kind in RecipientKind]?: string;
};

/** `daybook schedule test` */
export function scheduleTestCommand(): Command {
  return new Command('test')
    .description('send what it made last to another recipient, marked as a test')
    .argument('<schedule>', 'name or id')
    .requiredOption('--tenant <tenant>', 'name or id')
    .option('--email <address>', 'by mail')
    .option('--webhook <url>', 'to a webhook')
    .option('--discord <url>', 'to a Discord webhook')
    .option('--slack <url>', 'to a Slack webhook')
    .option('--json', 'print one JSON document')
    .action(async (name: string, options: Options) => {
      const config = configFromProcess();
      const sent = await untilInterrupted((signal) =>
        withDatabase(config, (session) => sendTest({ config, session, name, options, signal })),
      );
      const recipient = shownRecipient(sent.recipientKind, sent.recipient);
      if (options.json) {
        const { id, state, messageId: message_id, lastCode: code, lastReply: reply } = sent;
        printJson({ id, state, recipient, message_id, code, reply });
      } else process.stdout.write(`${recipient}: ${sent.state}, ${sent.lastReply ?? ''}\n`);
      if (sent.state === 'sent') return;
      throw new DaybookError('E_UNAVAILABLE', {
        what: recipient,
        reason: `${sent.lastReply ?? 'it did not say why'} (${sent.lastCode ?? sent.state})`,
      });
    });
}

async function sendTest(of: {
  readonly config: Config;
  readonly session: Session;
  readonly name: string;
  readonly options: Options;
  readonly signal: AbortSignal;
}): Promise<DeliveryRow> {
  const { config, options } = of;
  const { database, log } = of.session;
  const { kind, recipient: given } = recipientOf(options);
  const tenant = await database.asSystem((tx) => requireTenant(tx, options.tenant));
  const { schedule, settings } = await database.asTenant(tenant.id, async (tx) => ({
    schedule: await requireSchedule(tx, of.name),
    settings: await readDeliverySettings(tx),
  }));
  const recipient = await checkRecipient({ kind, recipient: given }, `--${kind}`, {
    privateTargets: config.privateTargets,
    allowedDomains: settings.allowedDomains,
  });
  const id = await database.asTenant(tenant.id, (tx) =>
    oweTest(tx, { scheduleId: schedule.id, kind, recipient }),
  );
  if (id === null) {
    throw new DaybookError('E_CONFLICT', {
      where: 'schedule',
      reason: `${schedule.name} has made no file yet; run it first`,
    });
  }
  // Sent here and now, for who waits; a live `up` that is faster is as good.
  const stage = await openSendStage(config, { database, holder: OWN_HOLDER, log }, { only: id });
  try {
    await stage.pass(await database.asSystem(databaseNow, { readOnly: true }), of.signal);
  } finally {
    stage.close();
  }
  return database.asTenant(tenant.id, async (tx) => (await findDelivery(tx, id)) as DeliveryRow);
}

function recipientOf(options: Options): { kind: RecipientKind; recipient: string } {
  const kinds = RECIPIENT_KINDS.filter((kind) => options[kind] !== undefined);
  const [kind] = kinds;
  if (kinds.length === 1) return { kind, recipient: options[kind] as string };
  throw new DaybookError('E_USAGE', {
    where: 'schedule test',
    got: kinds.map((each) => `--${each}`).join(' and ') || 'no recipient',
    expected: `one of ${RECIPIENT_KINDS.map((each) => `--${each}`).join(', ')}`,
  });
}
