import { DaybookError } from '../errors.ts';
import { parseCron } from '../time/cron-expression.ts';
import { MAX_FILTERS } from './check-filter.ts';
import { parseReportRequest, type RawRequest } from './parse-request.ts';
import { demandRecord, invalid, oneOf, quoted } from './raw-value.ts';
import { parseRecipients } from './recipient.ts';
import { reportKind } from './registry.ts';
import { parseRelativePeriod } from './relative-period.ts';
import type { Locale } from './request.ts';
import { WEEKDAYS } from './schedule-rule.ts';
import {
  CATCH_UP,
  EMPTY,
  EVERY,
  type Every,
  IF_INCOMPLETE,
  type ScheduleSpec,
} from './schedule-spec.ts';
import { suggestion } from './suggest.ts';

/** A schedule as it came, from JSON or from command-line options; see {@link parseSchedule}. */
export type RawSchedule = Readonly<Record<string, unknown>>;

const REPORT_KEYS = [
  ...['report', 'format', 'zone', 'grain', 'columns', 'where', 'params', 'locale', 'headers'],
  'cell_refs',
] as const;
const OWN_KEYS = [
  ...['period', 'every', 'on', 'at', 'cron', 'recipients', 'empty', 'catch_up', 'if_incomplete'],
  ...['hold_hours', 'max_attachment_bytes'],
] as const;
export const SCHEDULE_KEYS: readonly string[] = [...REPORT_KEYS, ...OWN_KEYS];

/** How long data is waited for, from the due time on. */
const HOLD_HOURS = { least: 1, most: 144, usual: 6 };
const ATTACHMENT_BYTES = { least: 0, most: 1 << 30 };

/**
 * Checks a schedule and fills in the defaults: those of an export request; cell references; files
 * without rows are sent; what was missed is all made up for; incomplete data is waited for.
 * @throws DaybookError that names the field, what came and what is expected: those of
 *   `parseReportRequest` and `E_PERIOD`
 */
export function parseSchedule(raw: RawSchedule, defaults: { locale: Locale }): ScheduleSpec {
  demandRecord(raw, 'schedule');
  const unknown = Object.keys(raw).find((key) => !SCHEDULE_KEYS.includes(key));
  if (unknown !== undefined) {
    const near = suggestion(unknown, SCHEDULE_KEYS);
    throw invalid('schedule', `the key ${quoted(unknown)}`, SCHEDULE_KEYS.join(', ') + near);
  }
  const request = parseReportRequest(requestOf(raw), defaults);
  const { dataset, check } = reportKind(request.report);
  const recipients = parseRecipients(dataset, raw.recipients);
  recipients.forEach(({ where }, index) => {
    check?.({ ...request, where: [...request.where, ...where] });
    if (request.where.length + where.length <= MAX_FILTERS) return;
    const got = `${where.length} besides the schedule's ${request.where.length}`;
    throw invalid(`recipients[${index}].where`, got, `at most ${MAX_FILTERS} in all`);
  });
  const { period: _, cache: __, ...form } = request;
  return {
    ...form,
    period: parseRelativePeriod(raw.period),
    ...parseTiming(raw),
    recipients,
    empty: oneOf(raw.empty, 'empty', EMPTY, 'send'),
    catchUp: oneOf(raw.catch_up, 'catch_up', CATCH_UP, 'all'),
    ifIncomplete: oneOf(raw.if_incomplete, 'if_incomplete', IF_INCOMPLETE, 'hold'),
    holdHours: wholeNumber(raw.hold_hours, 'hold_hours', HOLD_HOURS) ?? HOLD_HOURS.usual,
    maxAttachmentBytes: wholeNumber(
      raw.max_attachment_bytes,
      'max_attachment_bytes',
      ATTACHMENT_BYTES,
    ),
  };
}

/** The contract's form of a schedule, for people to read and to change. */
export function rawSchedule(spec: ScheduleSpec): RawSchedule {
  const { cellRefs, catchUp, ifIncomplete, holdHours, maxAttachmentBytes, ...same } = spec;
  return withoutNulls({
    ...same,
    recipients: spec.recipients.map(({ kind, recipient, where }) => ({
      [kind]: recipient,
      ...(where.length > 0 ? { where } : {}),
    })),
    cell_refs: cellRefs,
    catch_up: catchUp,
    if_incomplete: ifIncomplete,
    hold_hours: holdHours,
    max_attachment_bytes: maxAttachmentBytes,
  });
}

/** Of an edit: what is null goes back to its default. */
export function withoutNulls(raw: RawSchedule): RawSchedule {
  return Object.fromEntries(
    Object.entries(raw).filter(([, value]) => value !== null && value !== undefined),
  );
}

/** The report's part; its dates stand for any. */
function requestOf(raw: RawSchedule): RawRequest {
  const own = Object.fromEntries(REPORT_KEYS.map((key) => [key, raw[key]]));
  return { ...own, from: '2000-01-01', to: '2000-01-01' };
}

function parseTiming(raw: RawSchedule): Pick<ScheduleSpec, 'every' | 'on' | 'at' | 'cron'> {
  const every = parseEvery(raw);
  const { on, at, cron } = raw;
  if (every === 'cron') {
    for (const [name, value] of Object.entries({ on, at })) {
      if (value !== undefined) throw invalid(name, quoted(value), 'none beside cron');
    }
    if (typeof cron !== 'string') throw invalid('cron', quoted(cron), 'five fields of cron');
    return { every, on: null, at: null, cron: parseCron(cron, 'cron').text.trim() };
  }
  if (cron !== undefined) throw invalid('cron', quoted(cron), `none with every ${every}`);
  return { every, on: parseOn(every, on), at: parseAt(at), cron: null };
}

function parseEvery({ every, cron }: RawSchedule): Every {
  const usual = every === undefined && cron !== undefined ? 'cron' : every;
  if (usual !== undefined) return oneOf<Every>(usual, 'every', EVERY, 'day');
  throw invalid('every', 'nothing', `one of ${EVERY.join(', ')}`);
}

function parseOn(every: Exclude<Every, 'cron'>, on: unknown): string | null {
  if (every === 'week') {
    const day = WEEKDAYS.find((each) => each === on);
    if (day !== undefined) return day;
    throw invalid('on', quoted(on), 'a weekday: mon, tue, wed, thu, fri, sat or sun');
  }
  if (every === 'month') {
    const text = typeof on === 'number' ? String(on) : on;
    if (text === 'last') return text;
    if (typeof text === 'string' && /^([1-9]|[12]\d|3[01])$/.test(text)) return text;
    throw invalid('on', quoted(on), 'a day of the month, 1 to 31, or last');
  }
  if (on === undefined) return null;
  throw invalid('on', quoted(on), `none with every ${every}`);
}

function parseAt(at: unknown): string {
  if (typeof at === 'string' && /^([01]\d|2[0-3]):[0-5]\d$/.test(at)) return at;
  throw new DaybookError('E_INVALID', {
    where: 'at',
    got: quoted(at),
    expected: 'a local time from 00:00 to 23:59',
  });
}

function wholeNumber(
  raw: unknown,
  where: string,
  { least, most }: { readonly least: number; readonly most: number },
): number | null {
  if (raw === undefined) return null;
  if (typeof raw === 'number' && Number.isInteger(raw) && raw >= least && raw <= most) return raw;
  throw invalid(where, quoted(raw), `a whole number from ${least} to ${most}`);
}
