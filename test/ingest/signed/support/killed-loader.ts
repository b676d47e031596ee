import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Database } from '../../../../src/store/database.ts';

const LOADER = fileURLToPath(new URL('../../../long/support/batch-loader.ts', import.meta.url));

async function begin(url: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', LOADER, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}

/**
 * Loads all that waits by a process that is killed again and again, at random within what a batch or
 * two take, and begun anew; it gets the longer the more often its batch was lost already, since one
 * that is lost twenty times is given up. Its lease would run out by itself; here nobody waits for that.
 * @returns how often one was killed while it was at a batch
 */
export async function loadWithKills(
  database: Database,
  url: string,
  { kills, batchMs }: { readonly kills: number; readonly batchMs: number },
): Promise<number> {
  const look = () =>
    database.asSystem(async (tx) => {
      const [found] = await tx.query<{ waiting: number; busy: number; lost: number }>(
        `select count(*) filter (where state in ('queued', 'loading'))::int as waiting,
           count(*) filter (where state = 'loading')::int as busy,
           coalesce(max(lost) filter (where state = 'loading'), 0)::int as lost
         from daybook.ingest_batches`,
      );
      return found;
    });
  const mostMs = Math.max(120, 3 * batchMs);
  let killed = 0;
  while (killed < kills) {
    await database.asSystem((tx) =>
      tx.run("update daybook.leases set until = now() - interval '1 s'"),
    );
    const child = await begin(url);
    let now = await look();
    while (now.busy === 0 && now.waiting > 0) now = await look();
    if (now.waiting === 0) {
      await kill(child);
      return killed;
    }
    await new Promise((resolve) =>
      setTimeout(resolve, Math.random() * mostMs * (1 + now.lost / 2)),
    );
    await kill(child);
    killed += 1;
  }
  await database.asSystem((tx) =>
    tx.run("update daybook.leases set until = now() - interval '1 s'"),
  );
  const last = await begin(url);
  while ((await look()).waiting > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  await kill(last);
  return killed;
}

/** Everything that a load leaves behind, as texts to compare; ids and clocks apart. */
export async function stateOf(database: Database, tenantId: string): Promise<object> {
  return database.asTenant(tenantId, async (tx) => {
    const [calls] = await tx.query(
      `select count(*)::int as count, sum(talk_seconds)::text as talk, sum(wait_seconds)::text as wait,
         md5(string_agg((to_jsonb(c) - 'tenant_id')::text, '' order by external_id)) as digest
       from daybook.calls c`,
    );
    const hours = await tx.query(
      `select hour, row_count::int from daybook.data_hours where dataset = 'calls' order by hour`,
    );
    const batches = await tx.query(
      `select message_id, state, loaded::int, updated::int, unchanged::int, rejected::int, first_reject
       from daybook.ingest_batches order by seq`,
    );
    const [kept] = await tx.query(
      `select (select count(*)::int from daybook.ingest_pieces) as pieces,
         (select count(*)::int from daybook.rejects) as rejects,
         (select count(*)::int from daybook.loads) as loads,
         (select complete_through from daybook.dataset_marks) as mark`,
    );
    return { calls, hours, batches, kept };
  });
}
