import type { IrregularDay, ReportDocument } from '../../reports/document.ts';
import type { Period } from '../../time/period.ts';
import { dateText, momentText } from './cell-text.ts';
import { mailLabel } from './mail-labels.ts';

/** What every message about a report says of it: which days, in which zone, how new. */

export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** Irregular days that are named one by one. */
const LISTED_DAYS = 6;

export function factsOf(document: ReportDocument): Fact[] {
  const { locale } = document;
  const fact = (label: Parameters<typeof mailLabel>[0], value: string): Fact => ({
    label: mailLabel(label, locale),
    value,
  });
  const facts = [
    fact('period', periodText(document.period, document)),
    fact('zone', document.zones.join(', ') || 'UTC'),
  ];
  if (document.irregularDays.length > 0) facts.push(fact('irregular', irregularText(document)));
  facts.push(fact('dataAsOf', dataAsOfText(document)));
  facts.push(fact('revision', String(document.revision)));
  if (document.filters.length > 0) facts.push(fact('filters', document.filters.join('; ')));
  facts.push(fact('rows', groupedWhole(document.rows, document)));
  return facts;
}

/** `2026-10-01`, or `2026-10-01 – 2026-10-31`. */
export function periodText(
  { from, to }: Period,
  { locale }: Pick<ReportDocument, 'locale'>,
): string {
  if (from === to) return dateText(from, locale);
  return `${dateText(from, locale)} – ${dateText(to, locale)}`;
}

/** The zone that the period ends in. */
export function lastZoneOf({ zones }: ReportDocument): string {
  return zones.at(-1) ?? 'UTC';
}

function dataAsOfText(document: ReportDocument): string {
  const { dataAsOf, locale } = document;
  if (dataAsOf === null) return mailLabel('noData', locale);
  const zone = lastZoneOf(document);
  return `${momentText(dataAsOf, locale, zone)} (${zone})`;
}

function irregularText(document: ReportDocument): string {
  const { irregularDays } = document;
  const listed = irregularDays.slice(0, LISTED_DAYS).map((day) => dayText(day, document));
  const more = irregularDays.length - listed.length;
  return `${listed.join('; ')}${more > 0 ? `; … + ${more}` : ''}`;
}

function dayText(day: IrregularDay, { locale }: ReportDocument): string {
  const date = dateText(day.date, locale);
  if (day.hours === 0) return `${date}: ${mailLabel('absentDay', locale)}`;
  const hours = locale === 'en' ? String(day.hours) : String(day.hours).replace('.', ',');
  const starts =
    day.startsAt === null || day.startsAt === '00:00:00'
      ? ''
      : `, ${mailLabel('startsAt', locale)} ${day.startsAt}`;
  return `${date}: ${hours} h${starts}`;
}

function groupedWhole(value: number, { locale }: ReportDocument): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, locale === 'en' ? ',' : '.');
}
