import { toDaybookError } from '../../errors.ts';
import type { Tx } from '../../store/database.ts';
import {
  claimDeliveries,
  recoverDeliveries,
  renewDeliveryLeases,
} from '../../store/delivery-leases.ts';
import { shortenDeliveryLeases } from '../../store/far-leases.ts';
import { findOwners, ownerKey } from '../../store/owners.ts';
import type { StagePass } from '../stages/stage.ts';
import { type Delivered, type DeliveryWithOwner, deliverMessage } from './deliver-message.ts';
import type { SendDeps } from './send-deps.ts';

/**
 * The stage `send`: what is owed goes out, the tenants in turn. A message is claimed under a lease,
 * its attempt is on record before DATA and marked before the final dot, and how it ended is recorded
 * under the same lease. So a process that dies leaves one of three: nobody can have taken it, and it
 * is simply due again; somebody may have, and it is in doubt; or it is recorded, and done.
 */

const LEASE_SECONDS = 20;
const HEARTBEAT_MS = 5_000;
/** After a failure of the mail server as a whole it gets no more mails for so long. */
const SERVER_PAUSE_MS = 20_000;
/** Nothing is at one message for longer: files, connections and all. */
const LONGEST_MS = 5 * 60_000;
/** A pass begins no more messages after this: it has to end before whoever woke it gives it up. */
const LONGEST_CLAIMING_MS = 4 * 60_000;
/** What is under way when the process is told to end gets so long, so that nothing is in doubt. */
const GRACE_MS = 10_000;

export interface SendOptions {
  /** Messages at once. */
  readonly atOnce: number;
  /** Of one tenant. */
  readonly mostOfTenant: number;
  /** Default {@link GRACE_MS}. */
  readonly graceMs?: number;
  /** This delivery and no other. */
  readonly only?: string;
}

/** Messages by where they went; `lost` to another process. */
export type Sent = { readonly [state in Delivered['state']]?: number };

/**
 * A pass goes on until nothing is due as of its `now`, and waits for what it began. When its signal
 * is aborted it begins nothing more, and what is under way has a moment to end well.
 */
export function createSendStage(deps: SendDeps, options: SendOptions): StagePass {
  let mailPausedUntil = Number.NEGATIVE_INFINITY;

  return async (now, signal) => {
    const sent: Record<string, number> = {};
    const held = new Map<string, { delivery: DeliveryWithOwner; abort: AbortController }>();
    const underWay = new Set<Promise<void>>();
    const until = performance.now() + LONGEST_CLAIMING_MS;
    const patience = new AbortController();
    let graceEnds: NodeJS.Timeout | undefined;
    const onAbort = () => {
      const graceMs = options.graceMs ?? GRACE_MS;
      graceEnds = setTimeout(() => patience.abort(signal.reason), graceMs);
    };
    const { recovered } = await deps.database.asSystem(async (tx) => {
      await shortenDeliveryLeases(tx, LEASE_SECONDS);
      return recoverDeliveries(tx);
    });
    deps.meter?.recovered(recovered);
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    const heart = setInterval(() => void beat(), HEARTBEAT_MS);

    /** What is lost is broken off; when the database is away, the end of the lease decides. */
    async function beat(): Promise<void> {
      const leases = [...held.values()].map(({ delivery }) => delivery);
      if (leases.length === 0) return;
      try {
        const still = await deps.database.asSystem(
          (tx) => renewDeliveryLeases(tx, leases, LEASE_SECONDS),
          { single: true },
        );
        for (const { id } of leases) {
          if (!still.has(id)) held.get(id)?.abort.abort(new Error('the lease is lost'));
        }
      } catch (error) {
        deps.log.warn({ error: toDaybookError(error).message }, 'leases were not renewed');
      }
    }

    async function deliver(deliveries: readonly DeliveryWithOwner[]): Promise<void> {
      const abort = new AbortController();
      for (const delivery of deliveries) held.set(delivery.id, { delivery, abort });
      const stop = AbortSignal.any([
        patience.signal,
        abort.signal,
        AbortSignal.timeout(LONGEST_MS),
      ]);
      try {
        const { state, serverFails } = await deliverMessage(deliveries, deps, stop);
        sent[state] = (sent[state] ?? 0) + 1;
        if (serverFails) mailPausedUntil = performance.now() + SERVER_PAUSE_MS;
      } catch (error) {
        sent.lost = (sent.lost ?? 0) + 1;
        const reason = toDaybookError(error).message;
        deps.log.warn({ delivery: deliveries[0].id, reason }, 'a delivery was left to its lease');
      } finally {
        for (const { id } of deliveries) held.delete(id);
      }
    }

    try {
      for (;;) {
        signal.throwIfAborted();
        // Some at a time: a claim looks at all that is owed.
        const free = options.atOnce - underWay.size;
        const isTime = underWay.size === 0 || free * 3 >= options.atOnce;
        const claimed = isTime && performance.now() < until ? await claim(free) : [];
        for (const message of messagesOf(claimed)) {
          const delivering = deliver(message).finally(() => underWay.delete(delivering));
          underWay.add(delivering);
        }
        if (underWay.size === 0) return sent;
        // A place becomes free, or all are: then there may be more to claim.
        await Promise.race(underWay);
      }
    } finally {
      await Promise.allSettled(underWay);
      clearInterval(heart);
      clearTimeout(graceEnds);
      signal.removeEventListener('abort', onAbort);
    }

    function claim(limit: number): Promise<DeliveryWithOwner[]> {
      const { mostOfTenant, only } = options;
      const withoutMail = performance.now() < mailPausedUntil;
      const of = { holder: deps.holder, leaseSeconds: LEASE_SECONDS, now, limit };
      const claiming = async (tx: Tx) => {
        const claimed = await claimDeliveries(tx, { ...of, mostOfTenant, withoutMail, only });
        if (claimed.length === 0) return [];
        // The rights of this moment count, not those of when the file was made.
        const owners = await findOwners(
          tx,
          claimed.map(({ tenantId, owner }) => ({ tenantId, owner })),
        );
        return claimed.map((each) => ({ ...each, principal: owners.get(ownerKey(each)) }));
      };
      return deps.database.asSystem(claiming, { prepared: true });
    }
  };
}

/** A message is a delivery, or those of one digest to one recipient. */
function messagesOf(claimed: readonly DeliveryWithOwner[]): DeliveryWithOwner[][] {
  const messages = new Map<string, DeliveryWithOwner[]>();
  for (const delivery of claimed) {
    const { id, digestId, recipientKind, recipient } = delivery;
    const key = digestId === null ? id : JSON.stringify([digestId, recipientKind, recipient]);
    messages.set(key, [...(messages.get(key) ?? []), delivery]);
  }
  return [...messages.values()].map((of) =>
    of.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)),
  );
}
