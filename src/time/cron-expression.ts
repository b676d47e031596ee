import { DaybookError } from '../errors.ts';

/** The five fields of a cron expression, as sets of numbers; see {@link parseCron}. */
export interface CronExpression {
  readonly text: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  /** Both day fields are restricted: a date fits when either does. Else both must fit. */
  readonly eitherDay: boolean;
  /** Only this day of each month, or the last one of a shorter month. No text says so. */
  readonly dayOrLast?: number;
}

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Three-letter names; the first stands for `least`. */
  readonly names: readonly string[];
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ');
const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const LONGEST_TEXT = 200;

const FIELDS: readonly Field[] = [
  { name: 'minute', least: 0, most: 59, names: [] },
  { name: 'hour', least: 0, most: 23, names: [] },
  { name: 'day of month', least: 1, most: 31, names: [] },
  { name: 'month', least: 1, most: 12, names: MONTHS },
  { name: 'day of week', least: 0, most: 7, names: WEEKDAYS },
];

/**
 * `minute hour day-of-month month day-of-week`: `*`, numbers, names (`jan`, `mon`), ranges `a-b`,
 * steps after a slash (`0-30/5`), lists of those with commas; 0 and 7 are Sunday. No seconds, no macros
 * such as `@daily`, no `L`, `W`, `#` or `?`.
 * @throws DaybookError `E_INVALID` for any other text, and for dates that never come (30 February)
 */
export function parseCron(text: string, where = 'cron'): CronExpression {
  const shown = JSON.stringify(text.slice(0, 64));
  const invalid = (expected: string) =>
    new DaybookError('E_INVALID', { where, got: shown, expected });
  const parts = text.length > LONGEST_TEXT ? [] : text.trim().split(/\s+/);
  if (parts.length !== FIELDS.length) {
    throw invalid(`five fields: ${FIELDS.map((field) => field.name).join(', ')}`);
  }
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = FIELDS.map((field, index) => {
    const numbers = parseField(field, parts[index].toLowerCase());
    if (numbers !== null) return numbers;
    const range = `${field.least} to ${field.most}`;
    throw invalid(`a ${field.name} made of *, ${range}, ranges a-b, steps /n and commas`);
  });
  const anyDayOfMonth = parts[2] === '*';
  const anyDayOfWeek = parts[4] === '*';
  if (anyDayOfWeek && !someDateExists(months, daysOfMonth)) {
    throw invalid('a date that some year has');
  }
  return {
    text,
    minutes,
    hours,
    daysOfMonth: new Set(daysOfMonth),
    months: new Set(months),
    daysOfWeek: new Set(daysOfWeek.map((day) => day % 7)),
    eitherDay: !anyDayOfMonth && !anyDayOfWeek,
  };
}

/** Whether a date fits; `month` counts from 1, `dayOfWeek` from Sunday, 0. */
export function cronFitsDate(
  cron: CronExpression,
  date: { month: number; dayOfMonth: number; dayOfWeek: number; daysInMonth: number },
): boolean {
  if (cron.dayOrLast !== undefined) {
    return date.dayOfMonth === Math.min(cron.dayOrLast, date.daysInMonth);
  }
  if (!cron.months.has(date.month)) return false;
  const fitsMonth = cron.daysOfMonth.has(date.dayOfMonth);
  const fitsWeek = cron.daysOfWeek.has(date.dayOfWeek);
  return cron.eitherDay ? fitsMonth || fitsWeek : fitsMonth && fitsWeek;
}

/** The numbers of a field, ascending; null when the text is not one. */
function parseField(field: Field, text: string): number[] | null {
  const numbers = new Set<number>();
  for (const item of text.split(',')) {
    const [span, stepText, ...more] = item.split('/');
    const step = stepText === undefined ? 1 : wholeNumber(stepText);
    const range = parseRange(field, span, stepText !== undefined);
    if (range === null || step === null || step < 1 || more.length > 0) return null;
    for (let number = range[0]; number <= range[1]; number += step) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}

function parseRange(field: Field, text: string, hasStep: boolean): [number, number] | null {
  if (text === '*') return [field.least, field.most];
  const [firstText, lastText, ...more] = text.split('-');
  const first = parseNumber(field, firstText);
  // `5/15` without an end means from 5 on.
  const openEnd = hasStep ? field.most : first;
  const last = lastText === undefined ? openEnd : parseNumber(field, lastText);
  if (first === null || last === null || first > last || more.length > 0) return null;
  return [first, last];
}

function parseNumber(field: Field, text: string): number | null {
  const named = field.names.indexOf(text);
  const number = named >= 0 ? field.least + named : wholeNumber(text);
  return number !== null && number >= field.least && number <= field.most ? number : null;
}

function wholeNumber(text: string): number | null {
  return /^\d{1,3}$/.test(text) ? Number(text) : null;
}

function someDateExists(months: readonly number[], daysOfMonth: readonly number[]): boolean {
  return months.some((month) => daysOfMonth[0] <= LONGEST_MONTHS[month - 1]);
}
