import { FEWEST_DATES, MOST_FORMS } from '../reports/ahead.ts';
import { columnsAt, type ReportKind } from '../reports/define-report.ts';
import { type AskedForm, type Demand, type FileForm, REACHES } from '../reports/demand.ts';
import { filterInWords } from '../reports/filter-words.ts';
import { reportKind } from '../reports/registry.ts';
import { AUTO_REFS_ROWS } from '../reports/request.ts';
import type { LaneDemand } from '../scheduler/ahead/study-demand.ts';
import type { DayAhead } from '../store/days-ahead.ts';

/** What the table of `daybook demand` says, in words for operators. */

/** Such as `calls as xlsx, 3 columns, pt-BR, where queue = PS`. What is as usual is left out. */
export function formInWords(form: AskedForm): string {
  const kind = reportKind(form.report);
  const changed = kind.params
    .filter(({ name, default: usual }) => form.params[name] !== usual)
    .map(({ name }) => `${name}=${form.params[name]}`);
  return [
    form.kind === 'file' ? fileInWords(form, kind) : summaryInWords(form.report, form.by),
    ...(form.zone === null ? [] : [form.zone]),
    ...changed,
    ...form.where.map((filter, index) => `${index === 0 ? 'where ' : ''}${filterInWords(filter)}`),
  ].join(', ');
}

/** Such as `9 yesterday, 3 month so far`. */
export function periodsInWords({ reaches }: Demand): string {
  return REACHES.filter((reach) => reaches[reach] > 0)
    .map((reach) => `${reaches[reach]} ${reach.replaceAll('_', ' ')}`)
    .join(', ');
}

/** What is made of yesterday because of a form; or why nothing is. */
export function madeInWords(demand: Demand, lanes: readonly LaneDemand[]): string {
  if (lanes.some(({ forms }) => forms.includes(demand))) {
    const why = demand.scheduled ? ['scheduled'] : [];
    return [...why, 'rows', 'totals', ...fragmentInWords(demand)].join(', ');
  }
  return demand.freshDates < FEWEST_DATES && !demand.scheduled
    ? `no: fresh days on fewer than ${FEWEST_DATES} dates`
    : `no: ${MOST_FORMS} others are used more`;
}

export function stateOf({ runId, runState }: DayAhead): string {
  if (runId === null || runState === null) return 'no rows';
  return runState === 'done' ? 'made' : runState;
}

function fileInWords({ report, grain, format, columns, locale }: FileForm, kind: ReportKind) {
  const usual = columnsAt(kind, grain).filter(({ shown }) => shown);
  const asUsual = usual.map(({ key }) => key).join() === columns.join();
  return [
    `${report} as ${format}`,
    ...(grain === kind.defaultGrain ? [] : [`by ${grain}`]),
    ...(asUsual ? [] : [`${columns.length} columns`]),
    locale,
  ].join(', ');
}

function summaryInWords(report: string, by: readonly string[]): string {
  return `summary of ${report}${by.length === 0 ? '' : ` by ${by.join(' and ')}`}`;
}

function fragmentInWords({ form, oneDay, longestDays }: Demand): string[] {
  if (form.kind === 'summary') return [];
  if (reportKind(form.report).shape === 'groups' && form.grain === 'period') return [];
  if (form.format !== 'xlsx') return [`lines as ${form.format === 'ndjson' ? 'ndjson' : 'csv'}`];
  const many = AUTO_REFS_ROWS.toLocaleString('en');
  return [
    ...(oneDay ? ['sheet of the day'] : []),
    ...(longestDays > 0 && form.cellRefs === 'auto' ? [`sheet lines, over ${many} rows`] : []),
    ...(longestDays > 0 && form.cellRefs === 'never' ? ['sheet lines'] : []),
  ];
}
