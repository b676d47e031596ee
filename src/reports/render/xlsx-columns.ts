import type { OutColumn } from '../column.ts';
import type { Locale } from '../request.ts';
import {
  type CellFrame,
  type CellMaker,
  integerMaker,
  serialMaker,
  textMaker,
} from './cell-columns.ts';
import { bytesIn, type CellWriter, type ColumnForm, NO_BYTES, NO_OFFSETS } from './cell-writer.ts';
import { columnLetters } from './column-letters.ts';
import { longestCell } from './decimal-text.ts';
import {
  DOUBLE_LIMIT,
  EPOCH_SERIAL,
  FIRST_SERIAL,
  LAST_SERIAL,
  secondFractions,
} from './excel-number.ts';
import {
  CELL_UNITS,
  EXCEL_TEXT_EXTRA_BYTES,
  EXCEL_TEXT_GROWTH,
  specialExcelBytes,
  writeExcelText,
} from './excel-text.ts';
import { styleOf } from './style-registry.ts';
import type { RenderZone } from './wall-clock.ts';
import {
  EMPTY_CELL,
  NUMBER_BEGIN,
  NUMBER_END,
  ROW,
  ROW_AT,
  ROW_AT_END,
  TEXT_BEGIN,
  TEXT_END,
} from './xlsx-marks.ts';

/** SpreadsheetML rows by whole columns, where a column's cells can be made at once. */
export function xlsxColumns(
  columns: readonly OutColumn[],
  locale: Locale,
  zone: RenderZone,
  references: boolean,
): ColumnForm {
  return {
    begin: references ? ROW_AT : ROW,
    beginTail: references ? ROW_AT_END : NO_BYTES,
    makers: columns.map((column, index) =>
      xlsxMaker(column, references ? columnLetters(index) : null, locale, zone),
    ),
  };
}

const SERIALS = { epoch: EPOCH_SERIAL, first: FIRST_SERIAL, last: LAST_SERIAL };
const TEXT_WRAP = { before: Buffer.from('<t>'), behind: Buffer.from('</t>') };

function xlsxMaker(
  column: OutColumn,
  letters: string | null,
  locale: Locale,
  zone: RenderZone,
): CellMaker | null {
  const style = styleOf(column);
  const named = style === 0 ? '' : ` s="${style}"`;
  const frame = (rest: string, behind: Uint8Array): CellFrame =>
    letters === null
      ? { before: Buffer.from(`<c${named}${rest}`), middle: NO_BYTES, behind, empty: EMPTY_CELL }
      : {
          before: Buffer.from(`<c r="${letters}`),
          middle: Buffer.from(`"${named}${rest}`),
          behind,
          empty: NO_BYTES,
        };
  switch (column.type) {
    case 'text':
      return textMaker({
        frame: frame(TEXT_BEGIN, TEXT_END),
        kinds: specialExcelBytes(),
        longest: CELL_UNITS,
        special: bareTextCell(locale),
        wrap: TEXT_WRAP,
      });
    case 'instant':
      return serialMaker(frame(NUMBER_BEGIN, NUMBER_END), zone, SERIALS, secondFractions);
    case 'integer':
      return integerMaker(frame(NUMBER_BEGIN, NUMBER_END), DOUBLE_LIMIT);
    case 'date':
    case 'decimal':
      return null;
  }
}

/** A text cell without what stands around its `<t>`. */
function bareTextCell(locale: Locale): CellWriter {
  let offsets = NO_OFFSETS;
  let bytes = NO_BYTES;
  return {
    bind(column) {
      ({ offsets, bytes } = bytesIn(column));
      return EXCEL_TEXT_EXTRA_BYTES + EXCEL_TEXT_GROWTH * longestCell(offsets);
    },
    write: (out, position, row) =>
      writeExcelText(out, position, bytes, offsets[row], offsets[row + 1], locale),
  };
}
