import { parseDecimal } from '../../money/decimal.ts';
import type { CellValue } from '../../reports/chunk.ts';
import type { OutColumn } from '../../reports/column.ts';
import type { ReportDocument } from '../../reports/document.ts';
import type { Locale } from '../../reports/request.ts';
import { cellText, dateText } from './cell-text.ts';

/** A small chart of a report's days as SVG: a bar a day, drawn from the table of days. */

export interface DayChart {
  readonly svg: string;
  /** What it shows, in words: for who does not see images. */
  readonly title: string;
  readonly widthPx: number;
  readonly heightPx: number;
}

const WIDTH = 560;
const HEIGHT = 150;
const [LEFT, RIGHT, TOP, BOTTOM] = [10, 10, 26, 22];
/** More days than this are bars too thin to tell apart. */
const MOST_DAYS = 400;
const BAR = '#2f6f9f';
const LINE = '#c8d1d9';
const INK = '#33414d';
/** The face of the bundled font. */
export const CHART_FONT = 'Lato';

/**
 * Null: one day, too many days, or no column of numbers; then there is nothing to draw. Where a
 * report has a line per currency, the first currency's bars are drawn, and the title says so.
 */
export function dayChart(document: ReportDocument): DayChart | null {
  const { byDay, locale } = document;
  const column = byDay.columns.findIndex(
    ({ type, unit }) => (type === 'integer' || type === 'decimal') && unit !== 'ratio',
  );
  const day = byDay.columns.findIndex(({ type }) => type === 'date');
  if (column < 0 || day < 0) return null;
  const currency = byDay.columns.findIndex(({ key }) => key === 'currency');
  const of = currency < 0 ? null : firstCurrency(byDay.rows, currency);
  const rows = byDay.rows.filter(
    (row) => of === null || row[currency] === of || row[currency] === null,
  );
  if (rows.length < 2 || rows.length > MOST_DAYS) return null;

  const spec = byDay.columns[column];
  const bars = rows.map((row) => ({ date: String(row[day]), value: row[column] }));
  const title = of === null ? spec.header : `${spec.header} (${of})`;
  return { svg: draw(bars, spec, title, locale), title, widthPx: WIDTH, heightPx: HEIGHT };
}

interface Bar {
  readonly date: string;
  readonly value: CellValue;
}

function draw(bars: readonly Bar[], column: OutColumn, title: string, locale: Locale): string {
  const heights = bars.map(({ value }) => sizeOf(value));
  const most = Math.max(0, ...heights);
  const least = Math.min(0, ...heights);
  const span = most - least || 1;
  const step = (WIDTH - LEFT - RIGHT) / bars.length;
  const width = Math.max(0.6, Math.min(step * 0.72, 34));
  const y = (size: number) => TOP + ((most - size) / span) * (HEIGHT - TOP - BOTTOM);
  const rects = heights.map((size, index) => {
    const x = LEFT + index * step + (step - width) / 2;
    const [top, bottom] = [y(Math.max(size, 0)), y(Math.min(size, 0))];
    return `<rect x="${px(x)}" y="${px(top)}" width="${px(width)}" height="${px(bottom - top)}"/>`;
  });
  const peak = heights.indexOf(most);
  const largest = cellText(bars[peak].value, column, locale, 'UTC');
  const text = (x: number, line: number, anchor: string, shown: string) =>
    `<text x="${px(x)}" y="${line}" text-anchor="${anchor}">${escapeXml(shown)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<g fill="${BAR}">${rects.join('')}</g>`,
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${px(y(0))}" y2="${px(y(0))}" stroke="${LINE}"/>`,
    `<g font-family="${CHART_FONT}" font-size="12" fill="${INK}">`,
    text(LEFT, 16, 'start', title),
    text(WIDTH - RIGHT, 16, 'end', `${dateText(bars[peak].date, locale)}: ${largest}`),
    text(LEFT, HEIGHT - 6, 'start', dateText(bars[0].date, locale)),
    text(WIDTH - RIGHT, HEIGHT - 6, 'end', dateText((bars.at(-1) as Bar).date, locale)),
    '</g></svg>',
  ].join('');
}

/** Near enough for a drawing; the exact figure stands in words. */
function sizeOf(value: CellValue): number {
  const exact = value === null ? null : parseDecimal(String(value));
  return exact === null ? 0 : Number(exact.unscaled) / 10 ** exact.scale;
}

function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function firstCurrency(rows: readonly (readonly CellValue[])[], column: number): string | null {
  const found = rows.find((row) => row[column] !== null);
  return found ? String(found[column]) : null;
}

function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '')
    .replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
