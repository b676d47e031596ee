import { z } from 'zod';
import { ERRORS } from '../errors.ts';
import { rawSchedule } from '../reports/parse-schedule.ts';
import type { PreviewedDue } from '../reports/schedule-preview.ts';
import type { DeliveryRow } from '../store/deliveries.ts';
import type { OccurrenceRow } from '../store/occurrences.ts';
import type { ReportFileRow } from '../store/report-files.ts';
import type { ScheduleRow } from '../store/schedules.ts';
import { publicMessage } from './problem.ts';
import { isoOf, isoOrNull } from './views.ts';

/** What answers about schedules look like: their schemas, and how rows become them. */

const instant = z.string().meta({ format: 'date-time' });
const orNull = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);
const PeriodView = z.object({ from: z.string(), to: z.string() });

export const ScheduleView = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(['active', 'paused']),
  version: z.number().describe('One more at each edit; what is planned keeps its version.'),
  owner: z.string().describe('As whom its runs act: whoever saved it last.'),
  spec: z.record(z.string(), z.unknown()).describe('As it was understood, with every default.'),
  zone: z.string().describe('Whose clocks name the next due time.'),
  next: orNull(z.object({ nominal: z.string(), due_at: instant })),
  created_at: instant,
  updated_at: instant,
});
export type ScheduleView = z.infer<typeof ScheduleView>;

export function viewSchedule(schedule: ScheduleRow): ScheduleView {
  const { nextNominal, nextDue } = schedule;
  return {
    id: schedule.id,
    name: schedule.name,
    state: schedule.state,
    version: schedule.version,
    owner: schedule.owner,
    spec: rawSchedule(schedule.spec),
    zone: schedule.zone,
    next:
      nextNominal === null || nextDue === null
        ? null
        : { nominal: nextNominal, due_at: isoOf(nextDue) },
    created_at: isoOf(schedule.createdAt),
    updated_at: isoOf(schedule.updatedAt),
  };
}

export const DueView = z.object({
  nominal: z.string().describe('What the rule names, `YYYY-MM-DD HH:MM`.'),
  local: z.string().describe('What the clocks show then.'),
  zone: z.string(),
  utc: instant,
  utc_offset: z.string(),
  clock_change: orNull(z.enum(['gap', 'overlap', 'changed'])).describe(
    '`gap`: the clocks skip the nominal time; `overlap`: they show it twice, and this is the ' +
      'first time; `changed`: they were changed since the due time before.',
  ),
  period: PeriodView.describe("The report's period."),
});

export function viewDue(due: PreviewedDue): z.infer<typeof DueView> {
  return {
    nominal: due.nominal,
    local: due.local,
    zone: due.zone,
    utc: isoOf(due.instant),
    utc_offset: due.utcOffset,
    clock_change: due.clockChange,
    period: { from: due.period.from, to: due.period.to },
  };
}

const STATES = [
  ...(['planned', 'held', 'processing', 'sealed', 'sent'] as const),
  ...(['skipped', 'missed', 'failed'] as const),
] as const;

export const OccurrenceView = z.object({
  id: z.string(),
  schedule: z.string(),
  schedule_version: z.number(),
  nominal: z.string(),
  zone: z.string(),
  due_at: instant,
  period: PeriodView,
  state: z.enum(STATES),
  manual: z.boolean().describe('A person asked for it.'),
  late: z.boolean().describe('It was planned more than 15 minutes after it was due.'),
  reason: orNull(z.string()).describe('Why it is held, or was skipped, missed or failed.'),
  code: orNull(z.string()),
  retryable: z.boolean(),
  hold_until: orNull(instant),
  incomplete_days: z.array(z.string()).describe('Days that its files say are not complete.'),
  created_at: instant,
  sealed_at: orNull(instant),
  finished_at: orNull(instant),
});
export const OccurrenceState = OccurrenceView.shape.state;

export function viewOccurrence(row: OccurrenceRow): z.infer<typeof OccurrenceView> {
  const { reason, errorCode } = row;
  return {
    id: row.id,
    schedule: row.scheduleId,
    schedule_version: row.scheduleVersion,
    nominal: row.nominal,
    zone: row.zone,
    due_at: isoOf(row.dueAt),
    period: { from: row.period.from, to: row.period.to },
    state: row.state,
    manual: row.manual,
    late: row.late,
    reason: reason && errorCode ? publicMessage(errorCode, reason) : reason,
    code: errorCode,
    retryable: errorCode !== null && (ERRORS[errorCode]?.retryable ?? false),
    hold_until: isoOrNull(row.holdUntil),
    incomplete_days: [...row.incompleteDays],
    created_at: isoOf(row.createdAt),
    sealed_at: isoOrNull(row.sealedAt),
    finished_at: isoOrNull(row.finishedAt),
  };
}

export const SealedFileView = z.object({
  id: z.string(),
  occurrence: z.string(),
  run: z.string(),
  name: z.string(),
  media_type: z.string(),
  bytes: z.number().describe('Of the file as it went out.'),
  sha256: z.string(),
  rows: z.number(),
  report: z.string(),
  period: PeriodView,
  recipients: z.number(),
  data_as_of: orNull(instant),
  revision: z.number(),
  amendment_of: orNull(z.string()),
  incomplete_days: z.array(z.string()),
  changed_days: orNull(z.array(z.string())).describe(
    'Days whose rows changed since it was sealed; null: nobody looked yet.',
  ),
  sealed_at: instant,
  retained_until: instant,
  available: z.boolean().describe('false: its bytes have left the disk.'),
  links: z.object({ self: z.string(), file: z.string() }),
});

export function viewSealedFile(file: ReportFileRow): z.infer<typeof SealedFileView> {
  const { report, period } = file.request;
  const self = `/v1/files/${file.id}`;
  return {
    id: file.id,
    occurrence: file.occurrenceId,
    run: file.runId,
    name: file.name,
    media_type: file.mediaType,
    bytes: file.bytes,
    sha256: file.sha256,
    rows: file.rowCount,
    report,
    period: { from: period.from, to: period.to },
    recipients: file.recipients.length,
    data_as_of: isoOrNull(file.dataAsOf),
    revision: file.revision,
    amendment_of: file.amendmentOf,
    incomplete_days: [...file.incompleteDays],
    changed_days: file.changedDays && [...file.changedDays],
    sealed_at: isoOf(file.sealedAt),
    retained_until: isoOf(file.retainedUntil),
    available: file.removedAt === null,
    links: { self, file: `${self}/file` },
  };
}

export const DeliveryView = z.object({
  id: z.string(),
  occurrence: z.string(),
  file: orNull(z.string()).describe('Null: a notice.'),
  kind: z.enum(['email', 'webhook', 'discord', 'slack']),
  recipient: z.string().describe('Of a URL, its host: the rest is a secret.'),
  purpose: z.enum(['report', 'amendment', 'notice', 'test', 'digest']),
  topic: orNull(z.string()).describe('What a notice is about.'),
  state: z.enum([
    ...(['pending', 'sending', 'sent', 'failed'] as const),
    ...(['in_doubt', 'held', 'suppressed', 'cancelled'] as const),
  ]),
  attempts: z.number(),
  message_id: orNull(z.string()),
  last_code: orNull(z.string()),
  last_reply: orNull(z.string()),
  not_before: orNull(instant).describe('Null: it waits for the rest of its digest.'),
  sent_at: orNull(instant),
  created_at: instant,
});

export function viewDelivery(row: DeliveryRow): z.infer<typeof DeliveryView> {
  return {
    id: row.id,
    occurrence: row.occurrenceId,
    file: row.reportFileId,
    kind: row.recipientKind,
    recipient: row.recipientKind === 'email' ? row.recipient : hostOf(row.recipient),
    purpose: row.purpose,
    topic: row.topic === '' ? null : row.topic,
    state: row.state,
    attempts: row.attempts,
    message_id: row.messageId,
    last_code: row.lastCode,
    last_reply: row.lastReply,
    not_before: Number.isFinite(row.notBefore) ? isoOf(row.notBefore) : null,
    sent_at: isoOrNull(row.sentAt),
    created_at: isoOf(row.createdAt),
  };
}

/** Whoever knows the path of a hook may post to it. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}
