import type { Logger } from '../log.ts';
import type { Database } from '../store/database.ts';
import { databaseNow } from '../store/dataset-marks.ts';
import { expireProposals } from '../store/proposal-deeds.ts';
import { listTenants } from '../store/tenants.ts';
import { dayAt } from '../time/calendar.ts';
import { repeat } from './repeat.ts';

const PASS_MS = 15 * 60_000;
const LONGEST_MS = 5 * 60_000;

/**
 * Notes of each tenant's proposals that their last date is over, so that reports count them as
 * expired. Safe to run twice; whoever looks at one in between sees it as expired already.
 * @param now UTC epoch ms
 * @returns how many
 */
export async function expireProposalsOfAll(
  now: number,
  { database, signal }: { readonly database: Database; readonly signal: AbortSignal },
): Promise<number> {
  let expired = 0;
  for (const tenant of await database.asSystem(listTenants, { readOnly: true })) {
    signal.throwIfAborted();
    const today = dayAt(tenant.calendar, now).date;
    expired += await database.asTenant(tenant.id, (tx) => expireProposals(tx, tenant.id, today));
  }
  return expired;
}

/** A pass each quarter of an hour, until it is stopped. */
export function startExpiringProposals(deps: {
  readonly database: Database;
  readonly log: Logger;
}): { stop(): Promise<void> } {
  const { database, log } = deps;
  return repeat({
    name: 'expiry of proposals',
    pauseMs: PASS_MS,
    longestMs: LONGEST_MS,
    log,
    work: async (signal) => {
      const now = await database.asSystem(databaseNow, { readOnly: true });
      const expired = await expireProposalsOfAll(now, { database, signal });
      if (expired > 0) log.info({ expired }, 'proposals expired');
    },
  });
}
