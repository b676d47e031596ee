import { createHash } from 'node:crypto';
import type pg from 'pg';

/**
 * Statements that a server parses and plans once per connection. What was prepared belongs to a
 * session, and behind a pooler the next transaction may be in another one: there nothing is.
 */

/** By connection: whether it goes to the server itself; absent: nobody has looked. */
const direct = new WeakMap<pg.PoolClient, boolean>();
const names = new Map<string, string>();
/** Texts are written in the source; should one ever be put together, memory stays bounded. */
const MOST_NAMES = 500;

/** Added to what opens a transaction, its last result tells {@link noteBackend} who answers. */
export const ASK_BACKEND = 'select pg_backend_pid() as pid';

export function isKnown(client: pg.PoolClient): boolean {
  return direct.has(client);
}

/** A pooler gives out a process id of its own, with which it can be asked to cancel. */
export function noteBackend(client: pg.PoolClient, answered: unknown): void {
  const results = answered as { readonly rows: readonly { readonly pid?: number }[] }[];
  const pid = Array.isArray(results) ? results.at(-1)?.rows[0]?.pid : undefined;
  const { processID } = client as unknown as { readonly processID: number | null };
  direct.set(client, pid !== undefined && pid === processID);
}

/** What the statement is called on this connection; undefined: it goes out as it is. */
export function preparedName(client: pg.PoolClient, text: string): string | undefined {
  if (!direct.get(client)) return undefined;
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= MOST_NAMES) return undefined;
  const name = `daybook_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
  names.set(text, name);
  return name;
}
