import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  type CommitResult,
  commitSnapshot,
} from '../../../../src/ingest/mirror/commit-snapshot.ts';
import type { DatasetName } from '../../../../src/reports/dataset.ts';
import type { Database } from '../../../../src/store/database.ts';
import { type MirrorScope, NO_LEAVE } from '../../../../src/store/mirror-guard.ts';
import { addSnapshotPart, openSnapshot } from '../../../../src/store/snapshots.ts';
import { calendarOf } from '../../../../src/time/calendar.ts';
import type { TestTenant } from '../../../support/database.ts';

export interface CallRow {
  readonly external_id: string;
  readonly started_at: string;
  readonly ended_at: string;
  readonly disposition: string;
  readonly talk_seconds?: number;
}

/** A call of minute `minute` of 2024. */
export function callRow(id: string, minute: number, changes: Partial<CallRow> = {}): CallRow {
  const at = Date.UTC(2024, 0, 1) + minute * 60_000;
  return {
    external_id: id,
    started_at: new Date(at).toISOString(),
    ended_at: new Date(at + 30_000).toISOString(),
    disposition: 'answered',
    ...changes,
  };
}

export const ndjson = (rows: readonly object[]) =>
  rows.map((row) => JSON.stringify(row)).join('\n');

export const EVERYTHING: MirrorScope = { window: null, prefix: null };

/** A snapshot whose parts came in this order. */
export async function sendSnapshot(
  database: Database,
  tenant: TestTenant,
  parts: readonly { readonly partNo: number; readonly rows: readonly object[] }[],
  scope: MirrorScope = EVERYTHING,
  dataset: DatasetName = 'calls',
): Promise<string> {
  const { id } = await database.asTenant(tenant.id, (tx) =>
    openSnapshot(tx, {
      ...{ tenantId: tenant.id, dataset, source: 'test', map: null, scope, openedBy: 'test' },
    }),
  );
  for (const { partNo, rows } of parts) {
    const body = Buffer.from(ndjson(rows));
    await database.asTenant(tenant.id, (tx) =>
      addSnapshotPart(tx, tenant.id, id, {
        partNo,
        bodySha256: createHash('sha256').update(body).digest(),
        pieces: [gzipSync(body)],
        rows: rows.length,
      }),
    );
  }
  return id;
}

export function commit(
  database: Database,
  tenant: TestTenant,
  id: string,
  stated: number,
  more: Partial<Parameters<typeof commitSnapshot>[0]> = {},
): Promise<CommitResult> {
  return commitSnapshot(
    {
      tenant: { id: tenant.id, calendar: calendarOf('UTC') },
      dataset: 'calls',
      id,
      stated,
      completeThrough: null,
      leave: NO_LEAVE,
      requestedBy: 'test',
      ...more,
    },
    { database, signal: AbortSignal.timeout(60_000) },
  );
}

/** All rows, and the counts that the triggers keep; without what differs between tenants. */
export function stateOf(database: Database, tenant: TestTenant, dataset: DatasetName = 'calls') {
  return database.asTenant(tenant.id, async (tx) => {
    const rows = await tx.query<{ row: string }>(
      `select (to_jsonb(t) - 'tenant_id')::text as row from daybook.${dataset} t order by 1`,
    );
    const hours = await tx.query<{ hour: string }>(
      `select hour::text || ' ' || row_count as hour from daybook.data_hours
       where dataset = $1 and row_count <> 0 order by 1`,
      [dataset],
    );
    return { rows: rows.map(({ row }) => row), hours: hours.map(({ hour }) => hour) };
  });
}
