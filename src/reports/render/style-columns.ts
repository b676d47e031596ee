import type { Worksheet } from 'exceljs';
import type { Locale } from '../request.ts';
import { cellStyles } from './style-registry.ts';

/** Columns out here carry the style registry, and hold nothing. */
const REGISTRY_COLUMN = 1_001;

/**
 * ExcelJS numbers styles as it meets them, columns first: this gives the styles of the registry to
 * columns far to the right of a workbook's first sheet, so that the styles get the numbers that
 * rendered rows use. The package is checked for that afterwards.
 */
export function registerStyles(sheet: Worksheet, locale: Locale): void {
  cellStyles(locale).forEach(({ numFmt, alignedLeft }, id) => {
    if (id === 0) return;
    const column = sheet.getColumn(REGISTRY_COLUMN + id);
    column.numFmt = numFmt;
    if (alignedLeft) column.alignment = { horizontal: 'left' };
  });
}
