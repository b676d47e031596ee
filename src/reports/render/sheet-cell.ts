import { offsetMsAt } from '../../time/zone.ts';
import type { CellValue } from '../chunk.ts';
import type { OutColumn } from '../column.ts';
import type { ReportDocument } from '../document.ts';
import { significantDigits } from './decimal-text.ts';
import { DOUBLE_DIGITS, DOUBLE_LIMIT, serialOfDate, serialOfWall } from './excel-number.ts';
import { excelText } from './excel-text.ts';
import { cellStyles, styleOf } from './style-registry.ts';

/** A cell for ExcelJS: a scalar, never an object, which it might turn into a formula. */
export interface SheetCell {
  readonly value: string | number | null;
  readonly numFmt: string;
}

/** What decides how a cell shows its value. */
export type CellContext = Pick<ReportDocument, 'locale' | 'zones'>;

/**
 * A cell of a small table by the same rules as in rendered rows. Instants are shown in the
 * document's zone; where it has several, in UTC as text.
 */
export function sheetCell(
  column: OutColumn,
  cell: CellValue | undefined,
  document: CellContext,
): SheetCell {
  const { locale } = document;
  const styles = cellStyles(locale);
  const typed = (value: number): SheetCell => ({ value, numFmt: styles[styleOf(column)].numFmt });
  const text = (value: string): SheetCell => ({ value: excelText(value, locale), numFmt: '@' });
  if (cell === null || cell === undefined || cell === '') return { value: null, numFmt: 'General' };
  switch (column.type) {
    case 'text':
      return text(String(cell));
    case 'date': {
      const serial = serialOfDate(String(cell));
      return Number.isNaN(serial) ? text(String(cell)) : typed(serial);
    }
    case 'instant':
      return instantCell(Number(cell), document.zones, typed, text);
    case 'integer': {
      const value = Number(cell);
      if (!Number.isFinite(value)) return { value: null, numFmt: 'General' };
      return Math.abs(value) < DOUBLE_LIMIT ? typed(value) : text(String(cell));
    }
    case 'decimal': {
      const digits = Buffer.from(String(cell));
      const exact = significantDigits(digits, 0, digits.length) <= DOUBLE_DIGITS;
      return exact && Number.isFinite(Number(cell)) ? typed(Number(cell)) : text(String(cell));
    }
  }
}

function instantCell(
  instantMs: number,
  zones: readonly string[],
  typed: (value: number) => SheetCell,
  text: (value: string) => SheetCell,
): SheetCell {
  if (Number.isNaN(instantMs)) return { value: null, numFmt: 'General' };
  if (zones.length !== 1) return text(new Date(instantMs).toISOString());
  const serial = serialOfWall(instantMs + offsetMsAt(zones[0], instantMs));
  return Number.isNaN(serial) ? text(new Date(instantMs).toISOString()) : typed(serial);
}

/** Whether a column's cells stand at the right, as numbers do. */
export function isNumeric(column: OutColumn): boolean {
  return column.type === 'integer' || column.type === 'decimal';
}
