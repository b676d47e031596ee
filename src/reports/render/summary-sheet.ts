import type { ConditionalFormattingRule, Workbook, Worksheet } from 'exceljs';
import { localTextOf } from '../../time/local-time.ts';
import type { OutColumn } from '../column.ts';
import type { IrregularDay, ReportDocument } from '../document.ts';
import { columnLetters } from './column-letters.ts';
import { excelText } from './excel-text.ts';
import { isNumeric } from './sheet-cell.ts';
import {
  BAR_COLOUR,
  LABEL_FONT,
  SECTION_BORDER,
  SECTION_FONT,
  TAB_COLOURS,
  TITLE_FONT,
  VALUE_FONT,
} from './sheet-look.ts';
import { narrowWidthOf, writeTable } from './sheet-table.ts';
import { registerStyles } from './style-columns.ts';
import { SUMMARY_SHEET, WORKBOOK_LABELS, workbookLabel } from './workbook-labels.ts';

/** Days that a report lists one by one before it says how many more there are. */
const LISTED_IRREGULAR_DAYS = 12;

/** The first sheet: what the report is of, its totals, and the totals by day. */
export function addSummarySheet(
  workbook: Workbook,
  document: ReportDocument,
  detailSheets: readonly string[],
): void {
  const sheet = workbook.addWorksheet(SUMMARY_SHEET, {
    views: [{ showGridLines: false }],
    properties: { tabColor: { argb: TAB_COLOURS.summary } },
    pageSetup: {
      orientation: 'landscape',
      fitToPage: true,
      fitToWidth: 1,
      fitToHeight: 0,
      paperSize: 9,
    },
  });
  const { byDay, totals, locale } = document;
  const wide = byDay.columns.length >= totals.columns.length ? byDay.columns : totals.columns;
  layOutColumns(sheet, wide, document);

  const title = sheet.getCell(1, 1);
  title.value = excelText(document.title, locale);
  title.style = { font: TITLE_FONT, alignment: { vertical: 'middle' } };
  sheet.getRow(1).height = 34;

  let row = 2;
  for (const [label, value] of facts(document, detailSheets)) {
    const labelCell = sheet.getCell(row, 1);
    labelCell.value = label;
    labelCell.style = { font: LABEL_FONT };
    const cell = sheet.getCell(row, 2);
    cell.value = typeof value === 'string' ? excelText(value, locale) : value;
    cell.style = {
      font: VALUE_FONT,
      alignment: { horizontal: 'left' },
      numFmt: typeof value === 'string' ? '@' : '#,##0',
    };
    row++;
  }

  row = writeSection(sheet, row + 1, wide.length, workbookLabel('totals', locale));
  const keys = byDay.columns.map(({ key }) => key);
  const places = totals.columns.map(({ key }, index) =>
    totals.columns.every((column) => keys.includes(column.key)) ? keys.indexOf(key) + 1 : index + 1,
  );
  row = writeTable(sheet, totals, { row, columns: places, strong: () => true }, document);

  if (document.balances) row = writeBalances(sheet, row + 1, wide.length, document);

  if (byDay.columns.length > 0) {
    row = writeSection(sheet, row + 1, wide.length, workbookLabel('byDay', locale));
    const columns = byDay.columns.map((_, index) => index + 1);
    const end = writeTable(sheet, byDay, { row, columns }, document);
    addBar(sheet, byDay.columns, row + 1, end - 1);
  }
}

/**
 * A statement's balances, each currency below the other.
 * @returns the row below them
 */
export function writeBalances(
  sheet: Worksheet,
  row: number,
  width: number,
  document: ReportDocument,
): number {
  const { balances } = document;
  if (!balances) return row;
  const below = writeSection(sheet, row, width, workbookLabel('balances', document.locale));
  const columns = balances.columns.map((_, index) => index + 1);
  return writeTable(sheet, balances, { row: below, columns, strong: () => true }, document);
}

function layOutColumns(sheet: Worksheet, columns: readonly OutColumn[], document: ReportDocument) {
  const labels = (['tenant', 'irregular', 'dataAsOf', 'filters', 'params', 'rows'] as const).map(
    (label) => WORKBOOK_LABELS[label][document.locale].length + 3,
  );
  for (let index = 0; index < Math.max(2, columns.length); index++) {
    const wanted = columns[index] === undefined ? 0 : narrowWidthOf(columns[index]);
    sheet.getColumn(index + 1).width = Math.max(wanted, index === 0 ? Math.max(...labels) : 14);
  }
  registerStyles(sheet, document.locale);
}

/**
 * A heading over a part of a sheet.
 * @returns the row below it
 */
export function writeSection(sheet: Worksheet, row: number, columns: number, text: string): number {
  for (let column = 1; column <= Math.max(columns, 2); column++) {
    sheet.getCell(row, column).style = { font: SECTION_FONT, border: SECTION_BORDER };
  }
  sheet.getCell(row, 1).value = text;
  sheet.getRow(row).height = 24;
  return row + 1;
}

function addBar(
  sheet: Worksheet,
  columns: readonly OutColumn[],
  firstRow: number,
  lastRow: number,
) {
  const index = columns.findIndex(isNumeric);
  if (index < 0 || lastRow <= firstRow) return;
  const letters = columnLetters(index);
  // ExcelJS gives bars without a gradient a random id, so that no two files would be equal.
  const bar = {
    type: 'dataBar' as const,
    priority: 1,
    gradient: true,
    cfvo: [{ type: 'num' as const, value: 0 }, { type: 'max' as const }],
    color: { argb: BAR_COLOUR },
  };
  const rule: ConditionalFormattingRule = bar;
  sheet.addConditionalFormatting({
    ref: `${letters}${firstRow}:${letters}${lastRow}`,
    rules: [rule],
  });
}

function facts(
  document: ReportDocument,
  detailSheets: readonly string[],
): [label: string, value: string | number][] {
  const { locale, period, zones } = document;
  const say = (label: keyof typeof WORKBOOK_LABELS) => workbookLabel(label, locale);
  const { from, to } = period;
  const list: [string, string | number][] = [
    [say('tenant'), document.tenant],
    [
      say('period'),
      from === to
        ? shownDate(from, document)
        : `${shownDate(from, document)} – ${shownDate(to, document)}`,
    ],
    [say('zone'), zones.join(', ')],
    [say('irregular'), irregularText(document)],
    [say('dataAsOf'), dataAsOfText(document)],
    [say('revision'), document.revision],
    ...incompleteFact(document),
    [
      say('filters'),
      document.filters.length === 0 ? say('noFilters') : document.filters.join('; '),
    ],
  ];
  if (document.params.length > 0) {
    const params = document.params.map(({ name, value }) => `${name} = ${value}`);
    list.push([say('params'), params.join('; ')]);
  }
  list.push([say('rows'), document.rows]);
  if (detailSheets.length > 1) list.push(['', `${say('onSheets')} ${detailSheets.join(', ')}`]);
  return list;
}

/** Said only where there is something to say. */
function incompleteFact(document: ReportDocument): [string, string][] {
  const dates = document.incompleteDays ?? [];
  if (dates.length === 0) return [];
  const listed = dates.map((date) => shownDate(date, document));
  return [[workbookLabel('incomplete', document.locale), listed.join(', ')]];
}

function irregularText(document: ReportDocument): string {
  const { irregularDays, locale } = document;
  if (irregularDays.length === 0) return workbookLabel('noIrregular', locale);
  const listed = irregularDays.slice(0, LISTED_IRREGULAR_DAYS).map((day) => dayText(day, document));
  const more = irregularDays.length - listed.length;
  return `${listed.join('; ')}${more > 0 ? `; … + ${more}` : ''}`;
}

function dayText(day: IrregularDay, document: ReportDocument): string {
  const { locale } = document;
  const date = shownDate(day.date, document);
  if (day.hours === 0) return `${date}: ${workbookLabel('absentDay', locale)}`;
  const starts =
    day.startsAt === null || day.startsAt === '00:00:00'
      ? ''
      : `, ${workbookLabel('startsAt', locale)} ${day.startsAt}`;
  return `${date}: ${shownHours(day.hours, document)} h${starts}`;
}

function shownHours(hours: number, { locale }: ReportDocument): string {
  const text = String(hours);
  return locale === 'en' ? text : text.replace('.', ',');
}

function shownDate(date: string, { locale }: ReportDocument): string {
  return locale === 'en' ? date : date.split('-').reverse().join('/');
}

/** The instant in the zone that the period ends in. */
function dataAsOfText(document: ReportDocument): string {
  const { dataAsOf, zones, locale } = document;
  if (dataAsOf === null) return workbookLabel('noData', locale);
  const zone = zones[zones.length - 1] ?? 'UTC';
  const [date, clock] = localTextOf(zone, dataAsOf).split(' ');
  return `${shownDate(date, document)} ${clock} (${zone})`;
}
