import type { Database, Tx } from './database.ts';

/** Work that one process at a time does, whoever it is: one holder per name, in a row. */

export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Decimal; a new one for each taking, so that an old holder writes nothing. */
  readonly token: string;
}

/**
 * Null: somebody holds it. By the database's clock; an end that lies farther ahead than any taking
 * puts it was written before the clock was set back, and holds nobody up. System transactions, all of
 * these.
 */
export async function takeLease(
  tx: Tx,
  of: { readonly name: string; readonly holder: string; readonly seconds: number },
): Promise<(Lease & { readonly detail: unknown }) | null> {
  const [row] = await tx.query<{ token: string; detail: unknown }>(
    `insert into daybook.leases as held (name, holder, until)
     values ($1, $2, now() + make_interval(secs => $3))
     on conflict (name) do update
       set holder = excluded.holder, token = held.token + 1, until = excluded.until
       where held.until < now() or held.until > now() + make_interval(secs => $3)
     returning token::text as token, detail`,
    [of.name, of.holder, of.seconds],
  );
  return row ? { name: of.name, holder: of.holder, ...row } : null;
}

/** False: it is lost. */
export async function renewLease(tx: Tx, lease: Lease, seconds: number): Promise<boolean> {
  const renewed = await tx.run(
    `update daybook.leases set until = now() + make_interval(secs => $3)
     where name = $1 and token = $2`,
    [lease.name, lease.token, seconds],
  );
  return renewed === 1;
}

/** What the next holder is told. False: the lease is lost, and nothing was written. */
export async function noteInLease(tx: Tx, lease: Lease, detail: object): Promise<boolean> {
  const noted = await tx.run(
    'update daybook.leases set detail = $3 where name = $1 and token = $2',
    [lease.name, lease.token, JSON.stringify(detail)],
  );
  return noted === 1;
}

export async function releaseLease(tx: Tx, lease: Lease): Promise<void> {
  await tx.run(`update daybook.leases set until = '-infinity' where name = $1 and token = $2`, [
    lease.name,
    lease.token,
  ]);
}

/** Ends the leases of holders whose names start so, but for one's own: they are known to be dead. */
export function endLeases(
  tx: Tx,
  holders: { readonly prefix: string; readonly butFor: string },
): Promise<number> {
  return tx.run(
    `update daybook.leases set until = '-infinity'
     where starts_with(holder, $1) and holder <> $2 and until >= now()`,
    [holders.prefix, holders.butFor],
  );
}

/**
 * Does `work` under a lease that is prolonged until it ends, or does nothing and gives null where
 * somebody else holds it. The signal that `work` gets is aborted when the lease is lost.
 */
export async function withLease<T>(
  database: Database,
  of: { readonly name: string; readonly holder: string; readonly seconds: number },
  work: (held: {
    readonly lease: Lease;
    readonly detail: unknown;
    readonly signal: AbortSignal;
  }) => Promise<T>,
): Promise<T | null> {
  const taken = await database.asSystem((tx) => takeLease(tx, of));
  if (!taken) return null;
  const { detail, ...lease } = taken;
  const lost = new AbortController();
  let last = performance.now();
  const beat = setInterval(
    () => {
      const since = performance.now();
      database
        .asSystem((tx) => renewLease(tx, lease, of.seconds))
        .then((held) => {
          if (held) last = since;
          else lost.abort(new Error(`the lease ${of.name} went to another process`));
        })
        .catch(() => {
          if (performance.now() - last > of.seconds * 1000) {
            lost.abort(new Error(`the lease ${of.name} ran out`));
          }
        });
    },
    (of.seconds * 1000) / 3,
  );
  try {
    return await work({ lease, detail, signal: lost.signal });
  } finally {
    clearInterval(beat);
    // One that cannot be given back runs out.
    await database.asSystem((tx) => releaseLease(tx, lease)).catch(() => {});
  }
}
