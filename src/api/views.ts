import { z } from 'zod';
import { ERRORS } from '../errors.ts';
import type { FileRow } from '../store/files.ts';
import type { RunRow } from '../store/runs.ts';
import type { Tenant } from '../store/tenants.ts';
import { calendarOf, irregularDaysOf, zoneOn } from '../time/calendar.ts';
import { publicMessage } from './problem.ts';

/** What answers look like: their schemas, and how rows become them. */

const instant = z.string().meta({ format: 'date-time' });
const orNull = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);

export const IrregularDayView = z
  .object({
    date: z.string(),
    zone: z.string(),
    hours: z.number(),
    starts_at: orNull(z.string()),
  })
  .describe('A local date that does not start at 00:00, lasts other than 24 h, or does not exist.');

export const RunView = z.object({
  id: z.string(),
  report: z.string(),
  status: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
  work_class: z.enum(['interactive', 'scheduled', 'precache']),
  tenant: z.string(),
  period: z.object({ from: z.string(), to: z.string() }),
  zone: z.string().describe("The request's zone, or the tenant's on the period's last day."),
  irregular_days: z.array(IrregularDayView),
  request: z.record(z.string(), z.unknown()).describe('As it was understood, with every default.'),
  days: z.object({ total: z.number(), done: z.number(), cached: z.number() }),
  rows_read: z.number(),
  requested_by: z.string(),
  cancel_requested: z.boolean(),
  created_at: instant,
  started_at: orNull(instant),
  finished_at: orNull(instant),
  error: orNull(
    z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }),
  ).describe('Why it failed; of a queued one, what it waits for to pass before it is tried again.'),
  file: orNull(
    z.object({
      name: z.string(),
      format: z.string(),
      media_type: z.string(),
      bytes: z.number(),
      sha256: orNull(z.string()).describe(
        'Of the file as it is got without a coding; null for some seconds after it was made.',
      ),
      rows: z.number(),
      revision: z.number(),
      data_as_of: orNull(instant),
      created_at: instant,
      expires_at: orNull(instant),
      available: z.boolean().describe('false: it expired or was removed.'),
    }),
  ),
  links: z.object({ self: z.string(), file: z.string(), events: z.string() }),
});
export type RunView = z.infer<typeof RunView>;

export const RunPage = z.object({
  items: z.array(RunView),
  next_cursor: orNull(z.string()).describe('For `cursor`; null on the last page.'),
});

export function viewRun(run: RunRow, file: FileRow | null, tenant: Tenant, nowMs: number): RunView {
  const { request } = run;
  const calendar = request.zone === null ? tenant.calendar : calendarOf(request.zone);
  const self = `/v1/exports/${run.id}`;
  return {
    id: run.id,
    report: run.report,
    status: run.state,
    work_class: run.workClass,
    tenant: tenant.name,
    period: { from: request.period.from, to: request.period.to },
    zone: zoneOn(calendar, request.period.to),
    irregular_days: irregularDaysOf(calendar, request.period).map(viewIrregularDay),
    request: viewRequest(run),
    days: { total: run.daysTotal, done: run.daysDone, cached: run.daysCached },
    rows_read: run.rowsRead,
    requested_by: run.requestedBy,
    cancel_requested: run.cancelRequested,
    created_at: isoOf(run.createdAt),
    started_at: isoOrNull(run.startedAt),
    finished_at: isoOrNull(run.finishedAt),
    error: run.errorCode
      ? {
          code: run.errorCode,
          message: publicMessage(run.errorCode, run.errorMessage ?? run.errorCode),
          retryable: ERRORS[run.errorCode]?.retryable ?? false,
        }
      : null,
    file: file && viewFile(file, nowMs),
    links: { self, file: `${self}/file`, events: `${self}/events` },
  };
}

export function viewIrregularDay(day: {
  readonly date: string;
  readonly zone: string;
  readonly hours: number;
  readonly startsAt: string | null;
}): z.infer<typeof IrregularDayView> {
  return { date: day.date, zone: day.zone, hours: day.hours, starts_at: day.startsAt };
}

export function isAvailable(file: FileRow, nowMs: number): boolean {
  return file.removedAt === null && (file.expiresAt === null || file.expiresAt > nowMs);
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : isoOf(ms);
}

/** UTC epoch ms as ISO 8601. */
export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function viewFile(file: FileRow, nowMs: number): NonNullable<RunView['file']> {
  return {
    name: file.name,
    format: file.format,
    media_type: file.mediaType,
    bytes: file.bytes,
    sha256: file.sha256,
    rows: file.rowCount,
    revision: file.revision,
    data_as_of: isoOrNull(file.dataAsOf),
    created_at: isoOf(file.createdAt),
    expires_at: isoOrNull(file.expiresAt),
    available: isAvailable(file, nowMs),
  };
}

/** The request in the words of the HTTP API. */
function viewRequest({ request }: RunRow): Record<string, unknown> {
  const { period, cellRefs, cache: _, ...rest } = request;
  return { ...rest, from: period.from, to: period.to, cell_refs: cellRefs };
}
