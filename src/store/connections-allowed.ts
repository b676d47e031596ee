import type { Tx } from './database.ts';

/**
 * How many connections the database lets us open, all that are open included: by the server, by
 * our role, by the database. Poolers in front of it may allow fewer, and do not say so.
 */
export async function connectionsAllowed(tx: Tx): Promise<number> {
  const [{ allowed }] = await tx.query<{ allowed: number }>(
    `select least(
         current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int
           -- From Postgres 16 on.
           - coalesce(current_setting('reserved_connections', true), '0')::int,
         (select nullif(rolconnlimit, -1) from pg_roles where rolname = session_user),
         (select nullif(datconnlimit, -1) from pg_database where datname = current_database())
       ) as allowed`,
  );
  return allowed;
}
