import type { DatasetName } from './dataset.ts';
import { type Demand, datasetOfForm, type FileForm } from './demand.ts';
import { foldBy } from './fold.ts';
import { reportKind } from './registry.ts';
import { AUTO_REFS_ROWS, type ReportName, type ReportRequest } from './request.ts';
import { keptFold } from './roll-up.ts';
import type { FoldSpec } from './totals.ts';

/** What of a day is made before anybody asks, because of what was asked for earlier days. */

/** A form is in demand from this many dates on: who asks once is no reason. */
export const FEWEST_DATES = 2;
/** Of one tenant, dataset and calendar, those in most demand: so much work and no more. */
export const MOST_FORMS = 8;

/** The forms that a day is made in. They come in the order of their use, those of schedules first. */
export function formsAhead(
  demand: readonly Demand[],
  lane: { readonly dataset: DatasetName; readonly zone: string | null },
): Demand[] {
  return demand
    .filter(({ form }) => form.zone === lane.zone && datasetOfForm(form) === lane.dataset)
    .filter(({ scheduled, freshDates }) => scheduled || freshDates >= FEWEST_DATES)
    .slice(0, MOST_FORMS);
}

/**
 * Unfiltered totals: of each report in demand those of its files, and by each dimension of few
 * values, so that a chart that nobody asked for yet finds them too.
 */
export function foldsAhead(forms: readonly Demand[]): FoldSpec[] {
  const folds = forms.flatMap(({ form }) => {
    const { report, params, where } = form;
    const asked = form.kind === 'summary' && where.length === 0 ? [form.by] : [];
    return [...plainFolds(report), ...asked].map((by) => foldBy({ report, where: [], params }, by));
  });
  return distinct(folds);
}

/** Totals of filtered forms: filters are of one pass over the rows each. */
export function filteredFolds(demand: Demand): FoldSpec[] {
  const { form } = demand;
  const { perCurrency, groupBy } = reportKind(form.report);
  const money = perCurrency ? ['currency'] : [];
  const detail = form.kind === 'summary' ? form.by : (groupBy[form.grain] ?? []);
  return distinct([foldBy(form, money), foldBy(form, detail)]);
}

/**
 * The files of that day alone whose fragments are those of the files in demand. None where a
 * fragment cannot be made ahead: lines of a whole period come from totals, and references depend
 * on how many rows the earlier days of the period have.
 * @param rows of the day
 */
export function requestsAhead(
  { form, oneDay, longestDays }: Demand,
  date: string,
  rows: number,
): ReportRequest[] {
  if (form.kind === 'summary') return [];
  const { shape } = reportKind(form.report);
  if (shape === 'groups' && form.grain === 'period') return [];
  const { kind: _, ...request } = form;
  const ofDay = { ...request, period: { from: date, to: date }, cache: true };
  const alone = oneDay ? [ofDay] : [];
  if (longestDays === 0) return alone;
  if (form.format !== 'xlsx') return [ofDay];
  const minimal = { ...ofDay, cellRefs: 'never' as const };
  return distinct(hasRefs(form, rows * longestDays) ? alone : [...alone, minimal]);
}

/** Whether an interactive workbook of this form and so many rows bears references. */
function hasRefs({ cellRefs }: FileForm, rows: number): boolean {
  return cellRefs === 'always' || (cellRefs === 'auto' && rows <= AUTO_REFS_ROWS);
}

function plainFolds(report: ReportName): (readonly string[])[] {
  const { perCurrency, groupBy, dimensions } = reportKind(report);
  const money = perCurrency ? ['currency'] : [];
  const few = dimensions.filter(({ of, manyValues }) => of !== 'day' && !manyValues);
  return [
    money,
    ...Object.values(groupBy),
    ...few.map(({ key }) => keptFold({ ...NO_FOLD, report, by: [key, ...money] }).by),
  ];
}

const NO_FOLD = { where: [], params: {} };

function distinct<T>(values: readonly T[]): T[] {
  const texts = values.map((value) => JSON.stringify(value));
  return values.filter((_, index) => texts.indexOf(texts[index]) === index);
}
