import type { Tx } from './database.ts';

/**
 * Leases that end later than any that is given now were given before the clock of the database was
 * set back: their holder, if it died, would hold its work up for as long as the clock went back. They
 * are shortened to a whole one from now on; who lives prolongs its own, and loses nothing. System
 * transactions.
 */

/** Two transactions that begin at the same time do not read the same clock. */
const SLACK_SECONDS = 5;

/** Of runs. @returns how many there were */
export function shortenRunLeases(tx: Tx, leaseSeconds: number): Promise<number> {
  return tx.run(
    `update daybook.runs set lease_until = now() + make_interval(secs => $1)
     where state = 'running' and lease_until > now() + make_interval(secs => $2)`,
    [leaseSeconds, leaseSeconds + SLACK_SECONDS],
  );
}

/** Of deliveries. @returns how many there were */
export function shortenDeliveryLeases(tx: Tx, leaseSeconds: number): Promise<number> {
  return tx.run(
    `update daybook.deliveries set lease_until = now() + make_interval(secs => $1)
     where state = 'sending' and lease_until > now() + make_interval(secs => $2)`,
    [leaseSeconds, leaseSeconds + SLACK_SECONDS],
  );
}
