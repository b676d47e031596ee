import type { OutColumn } from '../column.ts';
import type { Locale } from '../request.ts';

/**
 * The cell styles that rendered rows name by number, the same in every workbook. The package that
 * rows are spliced into is checked against this list before it is used.
 */
export interface CellStyle {
  readonly name: string;
  readonly numFmt: string;
  /** Dates are numbers and would stand at the right, against the text of the next column. */
  readonly alignedLeft: boolean;
}

/** The most digits after the point that a decimal style always shows. */
export const MOST_SCALE = 6;

const DATE_ORDERS: Readonly<Record<Locale, string>> = {
  en: 'yyyy-mm-dd',
  'pt-BR': 'dd/mm/yyyy',
  es: 'dd/mm/yyyy',
};

const GENERAL = 0;
const TEXT = 1;
const DATE_TIME = 2;
const DATE = 3;
const WHOLE = 4;
const COUNT = 5;
const RATIO = 6;
/** The decimal style of scale 1; those of larger scales follow. */
const DECIMAL_1 = 7;

/** The styles of a locale; the place in the list is the style's number. */
export function cellStyles(locale: Locale): readonly CellStyle[] {
  const date = DATE_ORDERS[locale];
  const style = (name: string, numFmt: string, alignedLeft = false): CellStyle => ({
    name,
    numFmt,
    alignedLeft,
  });
  return [
    style('general', 'General'),
    style('text', '@'),
    style('date and time', `${date} hh:mm:ss`, true),
    style('date', date, true),
    style('whole number', '0'),
    style('count', '#,##0'),
    style('ratio', '0.0%'),
    ...Array.from({ length: MOST_SCALE }, (_, index) => {
      const more = MOST_SCALE - 1 - index;
      return style(`decimal ${index + 1}`, `#,##0.${'0'.repeat(index + 1)}${'#'.repeat(more)}`);
    }),
  ];
}

/** The number of the style of a column's cells. */
export function styleOf(column: OutColumn): number {
  switch (column.type) {
    case 'text':
      return TEXT;
    case 'instant':
      return DATE_TIME;
    case 'date':
      return DATE;
    case 'integer':
      return column.unit === null ? WHOLE : COUNT;
    case 'decimal':
      if (column.unit === 'ratio') return RATIO;
      // `#,##0.######` shows a whole number with a lone point behind it.
      if (column.minScale === 0) return GENERAL;
      return DECIMAL_1 + Math.min(column.minScale, MOST_SCALE) - 1;
  }
}
