import type { Command } from 'commander';
import { DaybookError } from '../errors.ts';
import type { RawNamedSchedule } from '../store/save-schedule.ts';

/** A schedule's keys as flags: the same names, with hyphens. */
export interface ScheduleFlags {
  readonly [flag: string]: unknown;
  readonly name?: string;
  readonly where?: string[];
  readonly param?: string[];
  readonly email?: string[];
  readonly webhook?: string[];
  readonly discord?: string[];
  readonly slack?: string[];
  readonly recipients?: string;
  readonly columns?: string;
  readonly holdHours?: string;
  readonly maxAttachmentBytes?: string;
  readonly spec?: string;
}

const SINGLE = {
  report: 'which report',
  format: 'csv, csv.gz, zip, xlsx, ndjson',
  period: 'yesterday, previous-week, previous-month, month-to-date, last-N-days',
  every: 'day, weekdays, week, month, cron',
  on: 'mon … sun of a week; 1 … 31 or last of a month (a short month ends it)',
  at: 'local time, HH:MM',
  cron: 'five fields, in local time',
  zone: "an IANA zone in place of the tenant's",
  grain: 'row, day, period',
  columns: 'comma-separated, in the order wished',
  locale: 'en, pt-BR, es',
  headers: 'labels or keys',
  'cell-refs': 'auto, always, never',
  empty: 'send or skip a file without rows',
  'catch-up': 'all, latest or none of what was missed',
  'if-incomplete': 'hold, or send_marked at the deadline',
  'hold-hours': 'how long incomplete data is waited for (default: 6)',
  'max-attachment-bytes': 'larger files go as a link',
} as const;
const REPEATED = {
  where: 'a filter of all recipients: field=v1,v2  field!=v  field>=v  field<=v  field~text',
  param: 'a parameter of the report, name=value',
  email: 'a recipient',
  webhook: 'a recipient, a URL',
  discord: 'a recipient, the URL of a Discord webhook',
  slack: 'a recipient, the URL of a Slack webhook',
} as const;

export function withScheduleFlags(command: Command): Command {
  command.option('--name <text>', 'a name to know it by');
  for (const [flag, text] of Object.entries(SINGLE)) command.option(`--${flag} <value>`, text);
  for (const [flag, text] of Object.entries(REPEATED)) {
    command.option(`--${flag} <value>`, text, (value: string, before: string[] = []) => [
      ...before,
      value,
    ]);
  }
  return command
    .option('--recipients <json>', 'recipients with filters of their own, as over HTTP')
    .option('--spec <json>', 'the whole schedule as over HTTP; flags come on top');
}

/** The flags in the words of the API. @throws DaybookError `E_USAGE` that names the flag */
export function rawScheduleOf(flags: ScheduleFlags): RawNamedSchedule {
  const spec = flags.spec === undefined ? {} : parseJson(flags.spec, '--spec');
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) {
    throw usage('--spec', flags.spec ?? '', 'a JSON object');
  }
  const single = Object.keys(SINGLE).map((flag) => [
    flag.replaceAll('-', '_'),
    flags[flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())],
  ]);
  const given = {
    ...Object.fromEntries(single),
    name: flags.name,
    where: flags.where,
    params: flags.param && Object.fromEntries(flags.param.map(pairOf)),
    recipients: recipientsOf(flags),
    hold_hours: numberOf(flags.holdHours, '--hold-hours'),
    max_attachment_bytes: numberOf(flags.maxAttachmentBytes, '--max-attachment-bytes'),
  };
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...spec, ...Object.fromEntries(defined) };
}

function recipientsOf(flags: ScheduleFlags): unknown {
  const simple = (['email', 'webhook', 'discord', 'slack'] as const).flatMap((kind) =>
    (flags[kind] ?? []).map((recipient) => ({ [kind]: recipient })),
  );
  if (flags.recipients === undefined) return simple.length > 0 ? simple : undefined;
  const detailed = parseJson(flags.recipients, '--recipients');
  return Array.isArray(detailed) ? [...detailed, ...simple] : detailed;
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw usage(where, text, 'JSON');
  }
}

function pairOf(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw usage('--param', text, 'name=value');
}

function numberOf(text: string | undefined, where: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw usage(where, text, 'a whole number');
}

function usage(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_USAGE', { where, got: JSON.stringify(got.slice(0, 80)), expected });
}
