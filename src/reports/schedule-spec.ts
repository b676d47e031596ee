import type {
  CellRefs,
  Filter,
  Format,
  Grain,
  Headers,
  Locale,
  ParamValue,
  ReportName,
} from './request.ts';

/** What a schedule says, after it was checked: plain data, as it is saved. */

export const RELATIVE_PERIODS = [
  'yesterday',
  'previous-week',
  'previous-month',
  'month-to-date',
  'last-N-days',
] as const;
/** N is 1 to {@link MOST_LAST_DAYS}. */
export type RelativePeriod =
  | Exclude<(typeof RELATIVE_PERIODS)[number], 'last-N-days'>
  | `last-${number}-days`;
export const MOST_LAST_DAYS = 366;

export const EVERY = ['day', 'weekdays', 'week', 'month', 'cron'] as const;
export type Every = (typeof EVERY)[number];

export const RECIPIENT_KINDS = ['email', 'webhook', 'discord', 'slack'] as const;
export type RecipientKind = (typeof RECIPIENT_KINDS)[number];

export const EMPTY = ['send', 'skip'] as const;
export const CATCH_UP = ['all', 'latest', 'none'] as const;
export type CatchUp = (typeof CATCH_UP)[number];
export const IF_INCOMPLETE = ['hold', 'send_marked'] as const;
export type IfIncomplete = (typeof IF_INCOMPLETE)[number];

/** One address or one URL, and what narrows what it gets. */
export interface Recipient {
  readonly kind: RecipientKind;
  readonly recipient: string;
  readonly where: readonly Filter[];
}

export interface ScheduleSpec {
  readonly report: ReportName;
  readonly format: Format;
  readonly period: RelativePeriod;
  readonly every: Every;
  /** `mon` to `sun` of `week`, `1` to `31` or `last` of `month`; else null. */
  readonly on: string | null;
  /** `HH:MM` by the clocks of the zone; null where `cron` says when. */
  readonly at: string | null;
  readonly cron: string | null;
  /** Null: the tenant's own calendar, for due times and for days. */
  readonly zone: string | null;
  readonly grain: Grain;
  readonly columns: readonly string[];
  readonly where: readonly Filter[];
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly locale: Locale;
  readonly headers: Headers;
  readonly cellRefs: CellRefs;
  /** At least one, none of them twice. */
  readonly recipients: readonly Recipient[];
  /** What to do with a file without rows. */
  readonly empty: (typeof EMPTY)[number];
  readonly catchUp: CatchUp;
  readonly ifIncomplete: IfIncomplete;
  /** How long an occurrence waits for its data before `ifIncomplete` decides, from its due time. */
  readonly holdHours: number;
  /** Larger files go as a link; null: as the installation has it. */
  readonly maxAttachmentBytes: number | null;
}
