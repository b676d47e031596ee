import { createHash, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ReportDocument } from '../../../../src/reports/document.ts';
import { parseReportRequest } from '../../../../src/reports/parse-request.ts';
import type { Format } from '../../../../src/reports/request.ts';
import type { ScheduleSpec } from '../../../../src/reports/schedule-spec.ts';
import type { Database } from '../../../../src/store/database.ts';
import type { DeliveryPurpose, DeliveryRow } from '../../../../src/store/deliveries.ts';
import { DELIVERY_COLUMNS } from '../../../../src/store/deliveries.ts';
import { insertFile } from '../../../../src/store/files.ts';
import { insertRun } from '../../../../src/store/runs.ts';
import { blocksOf } from '../../../api/support.ts';
import { SEALED, sampleDocument } from '../../../delivery/mail/support/mails.ts';
import { addTestTenant, type TestTenant } from '../../../support/database.ts';

/** A tenant with a schedule, an occurrence of it and a sealed file, and what it owes. */
export interface Owing {
  readonly tenant: TestTenant;
  readonly scheduleId: string;
  readonly occurrenceId: string;
  readonly reportFileId: string;
  readonly path: string;
}

const OWNER = 'operator:cli';

export async function addOwing(
  database: Database,
  home: string,
  of: {
    readonly name: string;
    readonly bytes?: Buffer;
    readonly format?: Format;
    readonly spec?: Partial<ScheduleSpec>;
    readonly owner?: string;
    readonly document?: Partial<ReportDocument>;
    readonly tenant?: TestTenant;
  },
): Promise<Owing> {
  const tenant =
    of.tenant ?? (await addTestTenant(database, { name: of.name, zone: 'Europe/London' }));
  const bytes = of.bytes ?? SEALED;
  const format = of.format ?? 'xlsx';
  const path = `files/${tenant.id}/${randomUUID()}.${format}`;
  await mkdir(dirname(join(home, path)), { recursive: true });
  await writeFile(join(home, path), bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const request = parseReportRequest(
    { report: 'calls', from: '2026-10-24', to: '2026-10-25', format },
    { locale: 'en' },
  );
  const spec = {
    ...{ report: 'calls', format, period: 'yesterday', every: 'day', at: '08:00', locale: 'en' },
    ...{ on: null, cron: null, zone: null, recipients: [], maxAttachmentBytes: null },
    ...of.spec,
  };
  return database.asTenant(tenant.id, async (tx) => {
    const run = await insertRun(tx, {
      ...{ tenantId: tenant.id, request, workClass: 'scheduled', requestedBy: OWNER, daysTotal: 2 },
    });
    await tx.run(`update daybook.runs set state = 'done', finished_at = now() where id = $1`, [
      run.id,
    ]);
    const name = `${of.name}_calls.${format}`;
    const mediaType = format === 'csv' ? 'text/csv' : 'application/octet-stream';
    const file = await insertFile(tx, {
      ...{ id: randomUUID(), tenantId: tenant.id, runId: run.id, name, format, mediaType, path },
      ...{ bytes: bytes.length, storedBytes: bytes.length, sha256, coding: 'identity' },
      ...{ rowCount: 2, document: sampleDocument('en', { tenant: of.name, ...of.document }) },
      ...{ dataAsOf: null, revision: 1, expiresAt: null, blocks: blocksOf(bytes) },
    });
    const [schedule] = await tx.query<{ id: string }>(
      `insert into daybook.schedules (tenant_id, name, owner, spec, zone)
       values ($1, $2, $3, $4, 'Europe/London') returning id`,
      [tenant.id, `Daily ${randomUUID().slice(0, 8)}`, of.owner ?? OWNER, JSON.stringify(spec)],
    );
    const [occurrence] = await tx.query<{ id: string }>(
      `insert into daybook.occurrences (tenant_id, schedule_id, schedule_version, spec, owner, zone,
         nominal, due_at, period_from, period_to, state)
       values ($1, $2, 1, $3, $4, 'Europe/London', '2026-10-26 08:00', now(), '2026-10-24',
         '2026-10-25', 'sealed') returning id`,
      [tenant.id, schedule.id, JSON.stringify(spec), of.owner ?? OWNER],
    );
    const [sealed] = await tx.query<{ id: string }>(
      `insert into daybook.report_files (tenant_id, occurrence_id, run_id, file_id, request, variant,
         subject, recipients, name, media_type, bytes, sha256, row_count, revision, day_keys,
         window_start, window_end, dataset, retained_until)
       values ($1, $2, $3, $4, $5, $6, $6, '[]', $7, $8, $9, $10, 2, 1, '[]', now(), now(),
         'calls', now() + interval '90 days') returning id`,
      [
        ...[tenant.id, occurrence.id, run.id, file.id, JSON.stringify(request), randomUUID()],
        ...[name, mediaType, bytes.length, sha256],
      ],
    );
    return {
      tenant,
      path,
      scheduleId: schedule.id,
      occurrenceId: occurrence.id,
      reportFileId: sealed.id,
    };
  });
}

export async function owe(
  database: Database,
  owing: Owing,
  of: {
    readonly recipient: string;
    readonly kind?: DeliveryRow['recipientKind'];
    readonly purpose?: DeliveryPurpose;
    readonly digestId?: string;
    readonly topic?: string;
  },
): Promise<string> {
  const purpose = of.purpose ?? 'report';
  return database.asTenant(owing.tenant.id, async (tx) => {
    const [row] = await tx.query<{ id: string }>(
      `insert into daybook.deliveries (tenant_id, occurrence_id, report_file_id, recipient_kind,
         recipient, purpose, digest_id, topic)
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
      [
        ...[owing.tenant.id, owing.occurrenceId, purpose === 'notice' ? null : owing.reportFileId],
        ...[of.kind ?? 'email', of.recipient, purpose, of.digestId ?? null, of.topic ?? ''],
      ],
    );
    return row.id;
  });
}

export async function deliveriesOf(database: Database, tenantId: string): Promise<DeliveryRow[]> {
  return database.asTenant(tenantId, (tx) =>
    tx.query<DeliveryRow>(
      `select ${DELIVERY_COLUMNS} from daybook.deliveries d order by d.created_at, d.id`,
    ),
  );
}

/** As if so much time had passed: what waits is due, and what is leased has run out. */
export async function letTimePass(database: Database, interval: string): Promise<void> {
  await database.asSystem((tx) =>
    tx.run(
      `update daybook.deliveries set not_before = not_before - $1::interval,
         lease_until = lease_until - $1::interval, owed_since = owed_since - $1::interval`,
      [interval],
    ),
  );
  await database.asSystem((tx) =>
    tx.run(
      `update daybook.delivery_attempts set began_at = began_at - $1::interval,
         data_at = data_at - $1::interval, ended_at = ended_at - $1::interval`,
      [interval],
    ),
  );
}
