import { setTimeout as pause } from 'node:timers/promises';
import { saysNoSuchMailbox } from '../../delivery/mail/classify-reply.ts';
import type { SendOutcome } from '../../delivery/mail/send-outcome.ts';
import { DaybookError, toDaybookError } from '../../errors.ts';
import type { Principal } from '../../principals/principal.ts';
import { parseMailAddress } from '../../reports/mail-address.ts';
import type { Tx } from '../../store/database.ts';
import {
  beginAttempts,
  type DeliveryEnd,
  endDeliveries,
  noteEnding,
  putOffRecipient,
} from '../../store/delivery-attempts.ts';
import type { ClaimedDelivery } from '../../store/delivery-leases.ts';
import { type DeliverySettings, readDeliverySettings } from '../../store/delivery-settings.ts';
import { readOwed } from '../../store/owed-messages.ts';
import { findSuppression, suppress } from '../../store/suppressions.ts';
import { requireTenant, type Tenant } from '../../store/tenants.ts';
import type { OwedDelivery } from './file-ways.ts';
import { refusalOf } from './may-send.ts';
import { endOf } from './next-state.ts';
import { prepareMessage } from './prepare-message.ts';
import type { SendDeps } from './send-deps.ts';

/** One message from claim to record: a delivery, or those of a digest, to one recipient. */

export interface Delivered {
  readonly state: DeliveryEnd['state'] | 'lost';
  /** The mail server as a whole fails: leave it alone for a while. */
  readonly serverFails: boolean;
}

export interface DeliveryWithOwner extends ClaimedDelivery {
  /** Whom it is of, with the rights of when it was claimed; undefined: nobody who has any. */
  readonly principal: Principal | undefined;
}

/**
 * Never throws for what goes wrong with a message: that is its state. When the lease is lost, or the
 * process is told to end, it stops, and whoever comes next finds how far it came.
 */
export async function deliverMessage(
  deliveries: readonly DeliveryWithOwner[],
  deps: SendDeps,
  signal: AbortSignal,
): Promise<Delivered> {
  const { tenant, settings, parts } = await look(deliveries, deps);
  const owed: OwedDelivery[] = [];
  let last: Delivered['state'] = 'cancelled';
  for (const { delivery, part, suppression } of parts) {
    const refusal = part
      ? refusalOf(delivery, part, { settings, owner: delivery.principal, suppression })
      : { code: 'E_GONE', reason: 'what it was of is gone' };
    if (part && !refusal) owed.push({ delivery, part });
    else if (refusal) {
      last = part ? 'suppressed' : 'cancelled';
      deps.meter?.ended(last, 1, []);
      await record([delivery], withoutAttempt(last, refusal.code, refusal.reason), deps);
    }
  }
  if (owed.length === 0) return { state: last, serverFails: false };
  return send(owed, { tenant, settings }, deps, signal);
}

/** All that there is about a message, as of one moment. */
function look(deliveries: readonly DeliveryWithOwner[], deps: SendDeps) {
  const { tenantId } = deliveries[0];
  return deps.database.asTenant(
    tenantId,
    async (tx) => {
      const [tenant, settings, parts] = await Promise.all([
        requireTenant(tx, tenantId),
        readDeliverySettings(tx),
        Promise.all(deliveries.map((delivery) => lookAtPart(tx, delivery))),
      ]);
      return { tenant, settings, parts };
    },
    { readOnly: true, prepared: true },
  );
}

async function lookAtPart(tx: Tx, delivery: DeliveryWithOwner) {
  const part = await readOwed(tx, delivery);
  const suppression = part
    ? await findSuppression(tx, {
        recipient: delivery.recipient.toLowerCase(),
        scheduleId: part.occurrence.scheduleId,
      })
    : null;
  return { delivery, part, suppression };
}

async function send(
  owed: readonly OwedDelivery[],
  of: { readonly tenant: Tenant; readonly settings: DeliverySettings },
  deps: SendDeps,
  signal: AbortSignal,
): Promise<Delivered> {
  const deliveries = owed.map(({ delivery }) => delivery);
  const [first] = deliveries;
  const inTenant = <T>(work: (tx: Tx) => Promise<T>) =>
    deps.database.asTenant(first.tenantId, work, { single: true, prepared: true });
  const lost = { state: 'lost', serverFails: false } as const;
  let outcome: SendOutcome & { readonly retryAfterMs?: number | null };
  try {
    const message = await prepareMessage(owed, of, deps, signal);
    const { messageId, via } = message;
    if (!(await inTenant((tx) => beginAttempts(tx, deliveries, { messageId, via })))) return lost;
    const beforeEnd = async () => {
      signal.throwIfAborted();
      if (await inTenant((tx) => noteEnding(tx, deliveries))) return;
      throw new DaybookError('E_LEASE_LOST', { got: first.id });
    };
    outcome = await message.send({ beforeEnd, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof DaybookError && error.code === 'E_LEASE_LOST') return lost;
    outcome = failureInside(error);
  }
  const end = endOf(outcome, first, {
    holdAmbiguous: of.settings.holdAmbiguous,
    now: deps.clock(),
    chance: deps.chance(),
  });
  if (!(await record(deliveries, end, deps))) return lost;
  deps.meter?.ended(end.state, owed.length, dueTimesOf(owed));
  await followUp(outcome, end, owed[0], deps);
  const serverFails =
    first.recipientKind === 'email' && outcome.kind !== 'sent' && outcome.concerns === 'server';
  return { state: end.state, serverFails };
}

/** Of files that schedules owed by themselves. */
function dueTimesOf(owed: readonly OwedDelivery[]): number[] {
  return owed.flatMap(({ delivery: { purpose }, part: { occurrence } }) =>
    !occurrence.manual && (purpose === 'report' || purpose === 'digest') ? [occurrence.dueAt] : [],
  );
}

/** The end of the lease, of 20 s, decides; a database that was away for less doubles nothing. */
const RECORD_WITHIN_MS = 15_000;
const RECORD_PAUSE_MS = 500;

/**
 * Attempts and deliveries in one transaction, tried until the database takes it: what is not on
 * record goes out again. False: the lease is lost.
 */
async function record(
  deliveries: readonly ClaimedDelivery[],
  end: DeliveryEnd,
  deps: SendDeps,
): Promise<boolean> {
  const { tenantId } = deliveries[0];
  const until = performance.now() + RECORD_WITHIN_MS;
  for (;;) {
    try {
      return await deps.database.asTenant(tenantId, (tx) => endDeliveries(tx, deliveries, end), {
        ...{ single: true, prepared: true },
      });
    } catch (error) {
      const passes = error instanceof DaybookError && error.retryable;
      if (!passes || performance.now() > until) throw error;
      await pause(RECORD_PAUSE_MS);
    }
  }
}

/** What an outcome means for others: a mailbox that does not exist, a hook that wants a pause. */
async function followUp(
  outcome: SendOutcome & { readonly retryAfterMs?: number | null },
  end: DeliveryEnd,
  { delivery }: OwedDelivery,
  deps: SendDeps,
): Promise<void> {
  const { tenantId, recipientKind: kind, recipient } = delivery;
  if (outcome.kind === 'sent') return;
  await deps.database.asTenant(tenantId, async (tx) => {
    if (kind === 'email' && saysNoSuchMailbox(outcome)) {
      const { key } = parseMailAddress(recipient, 'recipient');
      const detail = outcome.reply;
      await suppress(tx, { tenantId, recipient: key, scheduleId: null, reason: 'bounced', detail });
    }
    if (kind !== 'email' && outcome.retryAfterMs && end.notBefore !== null) {
      await putOffRecipient(tx, { kind, recipient, until: end.notBefore });
    }
  });
}

/** A file whose time is over will not come back; all else of ours passes: no disk, no database. */
function failureInside(error: unknown): SendOutcome {
  const { code, message } = toDaybookError(error);
  return {
    kind: code === 'E_GONE' ? 'permanent' : 'temporary',
    stage: 'connect',
    code,
    reply: message.slice(0, 500),
    concerns: 'ourselves',
    tooLarge: false,
  };
}

function withoutAttempt(
  state: 'suppressed' | 'cancelled',
  code: string,
  reason: string,
): DeliveryEnd {
  return {
    ...{ state, code, reply: reason.slice(0, 500), outcome: null, stage: null },
    ...{ notBefore: null, byLink: false },
  };
}
