import { formatDecimal, multiplyDecimal, parseDecimal } from '../../money/decimal.ts';
import type { CellValue } from '../../reports/chunk.ts';
import type { OutColumn } from '../../reports/column.ts';
import type { Locale } from '../../reports/request.ts';
import { localTextOf } from '../../time/local-time.ts';

/** Cells of a document's small tables as people read them in a mail. */

const HUNDRED = { unscaled: 100n, scale: 0 };

/** @param zone for instants */
export function cellText(
  value: CellValue,
  column: OutColumn,
  locale: Locale,
  zone: string,
): string {
  if (value === null) return '–';
  switch (column.type) {
    case 'integer':
    case 'decimal':
      return numberText(String(value), column, locale);
    case 'date':
      return dateText(String(value), locale);
    case 'instant':
      return momentText(Number(value), locale, zone);
    case 'text':
      return String(value);
  }
}

/** Digits in groups, the locale's point; a ratio in per cent with one digit, as in the workbook. */
function numberText(text: string, column: OutColumn, locale: Locale): string {
  const exact = parseDecimal(text);
  if (exact === null) return text;
  const isRatio = column.unit === 'ratio';
  const shown = isRatio
    ? formatDecimal(roundedTo(multiplyDecimal(exact, HUNDRED), 1), 1)
    : formatDecimal(exact, column.minScale);
  const [whole, fraction] = shown.split('.');
  const [group, point] = locale === 'en' ? [',', '.'] : ['.', ','];
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, group);
  const number = fraction === undefined ? grouped : `${grouped}${point}${fraction}`;
  return isRatio ? `${number} %` : number;
}

/** Halves away from zero. */
function roundedTo(value: { unscaled: bigint; scale: number }, scale: number) {
  if (value.scale <= scale) return value;
  const unit = 10n ** BigInt(value.scale - scale);
  const half = value.unscaled < 0n ? -unit / 2n : unit / 2n;
  return { unscaled: (value.unscaled + half) / unit, scale };
}

/** `2026-10-01`, or `01/10/2026`. */
export function dateText(date: string, locale: Locale): string {
  return locale === 'en' ? date : date.split('-').reverse().join('/');
}

/** The wall time of an instant with its zone's name left off: the caller says it. */
export function momentText(instantMs: number, locale: Locale, zone: string): string {
  const [date, clock] = localTextOf(zone, instantMs).split(' ');
  return `${dateText(date, locale)} ${clock}`;
}
