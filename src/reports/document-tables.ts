import { divideToScale, formatDecimal } from '../money/decimal.ts';
import type { DayWindow } from '../time/day-window.ts';
import { localTextOf } from '../time/local-time.ts';
import { offsetMsAt } from '../time/zone.ts';
import type { DocumentDay } from './build-document.ts';
import type { CellValue } from './chunk.ts';
import type { CellType, Labels, OutColumn, Unit } from './column.ts';
import { type ColumnSpec, dimensionOf, type ReportKind } from './define-report.ts';
import type { Table } from './document.ts';
import { FIELD_LABELS } from './field-labels.ts';
import { emptyGroup, groupCell, measureOf } from './group-cells.ts';
import { CONTROL_LABELS } from './labels.ts';
import { offsetText } from './local-hours.ts';
import { dimensionColumn, outColumn } from './out-columns.ts';
import type { Headers, Locale } from './request.ts';
import type { DayTotals, GroupTotals } from './totals.ts';

/** What the small tables of a document are made of. */
export interface Figures {
  readonly kind: ReportKind;
  readonly locale: Locale;
  readonly headers: Headers;
  /** Of all days, merged. */
  readonly totals: DayTotals;
}

export interface DayFigures extends Figures {
  readonly days: readonly DocumentDay[];
}

/** Enough of a hash to tell contents apart by eye. */
const SHORT_HASH = 12;

/** The figures over the whole period: one line, or one per currency; a line also over nothing. */
export function totalsTable(figures: Figures): Table {
  const { kind, totals } = figures;
  const specs = [...currencyColumn(kind), ...kind.figures];
  return {
    columns: specs.map((spec) => outColumn(spec, figures)),
    rows: linesOf(kind, totals).map((group) => cellsOf(kind, specs, group)),
  };
}

/** The figures of each day, also of days without rows; per currency where there is money. */
export function byDayTable(figures: DayFigures): Table {
  const { kind, days } = figures;
  const specs = [...currencyColumn(kind), ...kind.figures];
  return {
    columns: [
      outColumn(dimensionColumn(dimensionOf(kind, 'day')), figures),
      ...specs.map((spec) => outColumn(spec, figures)),
    ],
    rows: days.flatMap(({ day, totals }) =>
      linesOf(kind, totals).map((group) => [day.date, ...cellsOf(kind, specs, group)]),
    ),
  };
}

/**
 * Per day its window, hours, rows after the filter, hash of its content and the figures that are
 * sums; then a line of their sum (per currency) and the check. Its first column is text, since it
 * also says `Sum`.
 */
export function controlTable(figures: DayFigures): Table {
  const { kind, days, totals, locale } = figures;
  const sums = kind.figures.filter(({ merge }) => merge === 'sum');
  const specs = [...currencyColumn(kind), ROWS, ...sums];
  const columns = [DATE, ZONE, STARTS_AT, ENDS_AT, HOURS, CONTENT, ...specs].map(
    (spec): OutColumn => outColumn(spec, figures),
  );
  const blank = (length: number): CellValue[] => Array.from({ length }, () => null);
  const dayLines = days.flatMap(({ day, rowsSha256, totals: ofDay }) =>
    linesOf(kind, ofDay).map((group): CellValue[] => [
      day.date,
      day.zone,
      momentText(day.zone, day.start),
      momentText(day.zone, day.end),
      hoursOf(day),
      rowsSha256 === '' ? null : rowsSha256.slice(0, SHORT_HASH),
      ...cellsOf(kind, specs, group),
    ]),
  );
  const sumLines = linesOf(kind, totals).map((group): CellValue[] => [
    CONTROL_LABELS.sum[locale],
    ...blank(5),
    ...cellsOf(kind, specs, group),
  ]);
  const check: CellValue[] = [
    CONTROL_LABELS.check[locale],
    CONTROL_LABELS.checkPassed[locale],
    ...blank(columns.length - 2),
  ];
  return { columns, rows: [...dayLines, ...sumLines, check] };
}

/** The groups of a total; over no rows, one group of zeros. */
function linesOf(kind: ReportKind, totals: DayTotals): readonly GroupTotals[] {
  if (totals.groups.length > 0) return totals.groups;
  return [emptyGroup(kind, kind.perCurrency ? [null] : [])];
}

function cellsOf(kind: ReportKind, specs: readonly ColumnSpec[], group: GroupTotals): CellValue[] {
  const by = kind.perCurrency ? ['currency'] : [];
  return specs.map((spec) =>
    spec.key === ROWS.key
      ? measureOf(kind, group, 'rows')
      : groupCell(kind, spec, group, { by, date: null }),
  );
}

function currencyColumn(kind: ReportKind): ColumnSpec[] {
  return kind.perCurrency ? [dimensionColumn(dimensionOf(kind, 'currency'))] : [];
}

/** `2026-03-29 00:00:00 +01:00`: the offset tells apart hours that the clocks show twice. */
function momentText(zone: string, instant: number): string {
  return `${localTextOf(zone, instant)} ${offsetText(offsetMsAt(zone, instant))}`;
}

function hoursOf({ start, end }: DayWindow): string {
  const ms = { unscaled: BigInt(end - start), scale: 0 };
  return formatDecimal(divideToScale(ms, { unscaled: 3_600_000n, scale: 0 }, 4), 0);
}

function plain(
  key: string,
  type: CellType,
  labels: Labels,
  width: number,
  unit: Unit | null = null,
): ColumnSpec {
  return { key, type, unit, labels, merge: 'none', shown: true, width };
}

const DATE = plain('date', 'text', FIELD_LABELS.date, 12);
const ZONE = plain('zone', 'text', CONTROL_LABELS.zone, 20);
const STARTS_AT = plain('starts_at', 'text', CONTROL_LABELS.startsAt, 28);
const ENDS_AT = plain('ends_at', 'text', CONTROL_LABELS.endsAt, 28);
const HOURS = plain('hours', 'decimal', CONTROL_LABELS.hours, 8);
const CONTENT = plain('content', 'text', CONTROL_LABELS.content, 16);
const ROWS = plain('rows', 'integer', CONTROL_LABELS.rows, 12, 'count');
