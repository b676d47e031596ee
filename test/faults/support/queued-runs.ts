import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { parseReportRequest, type RawRequest } from '../../../src/reports/parse-request.ts';
import { type Database, openDatabase } from '../../../src/store/database.ts';
import { insertRun, type RunRow } from '../../../src/store/runs.ts';
import { requireTenant, type Tenant } from '../../../src/store/tenants.ts';
import { until } from './daybook.ts';
import type { UpRig } from './up.ts';

/** Runs that a test puts into the queue of a live `up`, without a client beside them. */
export interface QueuedRuns {
  readonly database: Database;
  /** Nothing of it is taken from parts, none are left. Its id. */
  queue(raw: RawRequest): Promise<string>;
  look(id: string): Promise<Look>;
  /** Resolves when the run is in the state. */
  becomes(id: string, state: RunRow['state'], withinMs?: number): Promise<Look>;
  /** The one file of a run that is done, as people get it. */
  bytes(id: string): Promise<Buffer>;
  close(): Promise<void>;
}

export interface Look {
  readonly state: RunRow['state'];
  readonly attempts: number;
  readonly error_code: string | null;
  readonly lease_owner: string | null;
  /** Rows in the ledger of files. */
  readonly files: number;
  readonly path: string | null;
  /** How it stands on the disk: `gzip` or `identity`. */
  readonly coding: string | null;
}

export async function openQueuedRuns(rig: UpRig, tenantName: string): Promise<QueuedRuns> {
  const database = openDatabase({
    url: rig.url(),
    maxConnections: 4,
    applicationName: 'test',
    log: pino({ level: 'silent' }),
  });
  const tenant: Tenant = await database.asSystem((tx) => requireTenant(tx, tenantName));

  async function look(id: string): Promise<Look> {
    const [row] = await database.asSystem((tx) =>
      tx.query<Look>(
        `select r.state, r.attempts, r.error_code, r.lease_owner, count(f.id)::int as files,
           max(f.path) as path,
           max(f.coding) as coding
         from daybook.runs r left join daybook.files f on f.run_id = r.id
         where r.id = $1 group by r.id`,
        [id],
      ),
    );
    return row;
  }

  return {
    database,
    look,
    async queue(raw) {
      const request = parseReportRequest({ cache: false, ...raw }, { locale: 'en' });
      const run = await database.asTenant(tenant.id, (tx) =>
        insertRun(tx, {
          tenantId: tenant.id,
          request,
          workClass: 'interactive',
          requestedBy: 'test',
          daysTotal: 0,
        }),
      );
      return run.id;
    },
    becomes: (id, state, withinMs = 60_000) =>
      until(
        async () => {
          const now = await look(id);
          if (now.state === 'failed' && state !== 'failed') throw new Error(JSON.stringify(now));
          return now.state === state ? now : null;
        },
        `the run is ${state}`,
        withinMs,
      ),
    async bytes(id) {
      const { path, files, coding } = await look(id);
      if (path === null || files !== 1) throw new Error(`the run has ${files} files`);
      const stored = readFileSync(join(rig.home, path));
      return coding === 'gzip' ? gunzipSync(stored) : stored;
    },
    close: () => database.close(),
  };
}
