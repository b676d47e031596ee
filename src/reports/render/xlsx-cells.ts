import { DAY_MS } from '../../time/day-number.ts';
import type { OutColumn } from '../column.ts';
import type { Locale } from '../request.ts';
import { writeBytes } from './bytes.ts';
import {
  bytesIn,
  type CellWriter,
  NO_BYTES,
  NO_OFFSETS,
  NO_VALUES,
  numbersIn,
  type RowForm,
} from './cell-writer.ts';
import { columnLetters } from './column-letters.ts';
import { longestCell, significantDigits, writeDecimal } from './decimal-text.ts';
import { INTEGER_BYTES, writeInteger } from './digits.ts';
import {
  DOUBLE_DIGITS,
  DOUBLE_LIMIT,
  FRACTION_BYTES,
  secondFractions,
  serialOfDate,
  serialOfDay,
} from './excel-number.ts';
import { EXCEL_TEXT_EXTRA_BYTES, EXCEL_TEXT_GROWTH, writeExcelText } from './excel-text.ts';
import { styleOf } from './style-registry.ts';
import { dateParts, isShowable, type RenderZone, WallClock } from './wall-clock.ts';
import { xlsxColumns } from './xlsx-columns.ts';
import {
  EMPTY_CELL,
  NUMBER_BEGIN,
  NUMBER_END,
  ROW,
  ROW_AT,
  ROW_AT_END,
  ROW_END,
  TEXT_BEGIN,
  TEXT_END,
} from './xlsx-marks.ts';

const POINT = 0x2e;

/**
 * SpreadsheetML rows. Without references a cell's place follows from the cells before it, so an
 * empty one is written as `<c/>`; with references empty cells are left out.
 */
export function xlsxForm(
  columns: readonly OutColumn[],
  locale: Locale,
  zone: RenderZone,
  references: boolean,
): RowForm {
  const rowDigits = { bytes: new Uint8Array(INTEGER_BYTES), length: 0 };
  return {
    begin: references
      ? (out, position, rowNumber) => {
          rowDigits.length = writeInteger(rowDigits.bytes, 0, rowNumber);
          return writeBytes(
            out,
            writeDigits(out, writeBytes(out, position, ROW_AT), rowDigits),
            ROW_AT_END,
          );
        }
      : (out, position) => writeBytes(out, position, ROW),
    end: ROW_END,
    cells: columns.map((column, index) => {
      const place = references ? { letters: columnLetters(index), rowDigits } : null;
      return xlsxCell(column, place, locale, zone);
    }),
    byColumns: xlsxColumns(columns, locale, zone, references),
  };
}

interface RowDigits {
  readonly bytes: Uint8Array;
  length: number;
}

/** A cell's column and the number of the row being written. */
interface Place {
  readonly letters: string;
  readonly rowDigits: RowDigits;
}

function writeDigits(out: Uint8Array, position: number, digits: RowDigits): number {
  for (let i = 0; i < digits.length; i++) out[position + i] = digits.bytes[i];
  return position + digits.length;
}

/** Begins a cell of one kind; what stands around its place is known before the first row. */
type BeginCell = (out: Uint8Array, position: number) => number;

function beginCell(place: Place | null, rest: string): BeginCell {
  if (place === null) {
    const lead = Buffer.from(`<c${rest}`);
    return (out, position) => writeBytes(out, position, lead);
  }
  const { rowDigits } = place;
  const lead = Buffer.from(`<c r="${place.letters}`);
  const tail = Buffer.from(`"${rest}`);
  return (out, position) =>
    writeBytes(out, writeDigits(out, writeBytes(out, position, lead), rowDigits), tail);
}

/** Bytes around a cell's content, at most. */
const AROUND_BYTES = 64;

interface CellBegins {
  readonly number: BeginCell;
  readonly text: BeginCell;
  readonly none: BeginCell;
}

function beginsOf(place: Place | null, style: number): CellBegins {
  const named = style === 0 ? '' : ` s="${style}"`;
  return {
    number: beginCell(place, `${named}${NUMBER_BEGIN}`),
    text: beginCell(place, `${named}${TEXT_BEGIN}`),
    none: place === null ? (out, at) => writeBytes(out, at, EMPTY_CELL) : (_out, at) => at,
  };
}

function xlsxCell(
  column: OutColumn,
  place: Place | null,
  locale: Locale,
  zone: RenderZone,
): CellWriter {
  const frame = beginsOf(place, styleOf(column));
  switch (column.type) {
    case 'text':
      return textCell(frame, locale);
    case 'date':
      return dateCell(frame, locale);
    case 'instant':
      return instantCell(frame, locale, zone);
    case 'integer':
      return integerCell(frame, locale);
    case 'decimal':
      return decimalCell(frame, column.minScale, locale);
  }
}

function textCell(frame: CellBegins, locale: Locale): CellWriter {
  let offsets = NO_OFFSETS;
  let bytes = NO_BYTES;
  return {
    bind(column) {
      ({ offsets, bytes } = bytesIn(column));
      return AROUND_BYTES + EXCEL_TEXT_EXTRA_BYTES + EXCEL_TEXT_GROWTH * longestCell(offsets);
    },
    write(out, position, row) {
      const start = offsets[row];
      const end = offsets[row + 1];
      if (start === end) return frame.none(out, position);
      const at = writeExcelText(out, frame.text(out, position), bytes, start, end, locale);
      return writeBytes(out, at, TEXT_END);
    },
  };
}

/** A text cell in a column of numbers or dates. */
function writeAsText(
  frame: CellBegins,
  out: Uint8Array,
  position: number,
  text: string,
  locale: Locale,
): number {
  const bytes = Buffer.from(text);
  const at = frame.text(out, position);
  return writeBytes(out, writeExcelText(out, at, bytes, 0, bytes.length, locale), TEXT_END);
}

function instantCell(frame: CellBegins, locale: Locale, zone: RenderZone): CellWriter {
  const clock = new WallClock(zone);
  const fractions = secondFractions();
  const serialBytes = new Uint8Array(INTEGER_BYTES);
  let serialLength = 0;
  let dayNumber = Number.NaN;
  let values = NO_VALUES;
  return {
    bind(column) {
      ({ values } = numbersIn(column));
      return AROUND_BYTES + EXCEL_TEXT_EXTRA_BYTES + INTEGER_BYTES + FRACTION_BYTES;
    },
    write(out, position, row) {
      const instantMs = values[row];
      if (!isShowable(instantMs)) return frame.none(out, position);
      const wallMs = clock.wallMsOf(instantMs);
      const day = Math.floor(wallMs / DAY_MS);
      if (day !== dayNumber) {
        dayNumber = day;
        const serial = serialOfDay(day);
        serialLength = Number.isNaN(serial) ? 0 : writeInteger(serialBytes, 0, serial);
      }
      if (serialLength === 0) {
        return writeAsText(frame, out, position, wallText(wallMs, day), locale);
      }
      let at = frame.number(out, position);
      for (let i = 0; i < serialLength; i++) out[at++] = serialBytes[i];
      const second = ((wallMs - day * DAY_MS) / 1000) | 0;
      const from = second * FRACTION_BYTES;
      const to = from + fractions.lengths[second];
      for (let i = from; i < to; i++) out[at++] = fractions.bytes[i];
      return writeBytes(out, at, NUMBER_END);
    },
  };
}

function wallText(wallMs: number, dayNumber: number): string {
  const { year, month, day } = dateParts(dayNumber);
  return `${year}-${month}-${day} ${new Date(wallMs).toISOString().slice(-13, -5)}`;
}

function dateCell(frame: CellBegins, locale: Locale): CellWriter {
  let offsets = NO_OFFSETS;
  let bytes = NO_BYTES;
  let lastDate = '';
  let lastSerial = Number.NaN;
  return {
    bind(column) {
      ({ offsets, bytes } = bytesIn(column));
      return AROUND_BYTES + EXCEL_TEXT_EXTRA_BYTES + EXCEL_TEXT_GROWTH * longestCell(offsets);
    },
    write(out, position, row) {
      const start = offsets[row];
      const end = offsets[row + 1];
      if (start === end) return frame.none(out, position);
      const date = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
      if (date !== lastDate) {
        lastDate = date;
        lastSerial = serialOfDate(date);
      }
      if (Number.isNaN(lastSerial)) return writeAsText(frame, out, position, date, locale);
      const at = writeInteger(out, frame.number(out, position), lastSerial);
      return writeBytes(out, at, NUMBER_END);
    },
  };
}

function integerCell(frame: CellBegins, locale: Locale): CellWriter {
  let values = NO_VALUES;
  return {
    bind(column) {
      ({ values } = numbersIn(column));
      return AROUND_BYTES + EXCEL_TEXT_EXTRA_BYTES + INTEGER_BYTES;
    },
    write(out, position, row) {
      const value = values[row];
      if (!Number.isFinite(value)) return frame.none(out, position);
      if (Math.abs(value) >= DOUBLE_LIMIT) {
        return writeAsText(frame, out, position, String(value), locale);
      }
      return writeBytes(out, writeInteger(out, frame.number(out, position), value), NUMBER_END);
    },
  };
}

function decimalCell(frame: CellBegins, minScale: number, locale: Locale): CellWriter {
  let offsets = NO_OFFSETS;
  let bytes = NO_BYTES;
  return {
    bind(column) {
      ({ offsets, bytes } = bytesIn(column));
      return AROUND_BYTES + EXCEL_TEXT_EXTRA_BYTES + minScale + longestCell(offsets);
    },
    write(out, position, row) {
      const start = offsets[row];
      const end = offsets[row + 1];
      if (start === end) return frame.none(out, position);
      if (end - start > DOUBLE_DIGITS && significantDigits(bytes, start, end) > DOUBLE_DIGITS) {
        const text = new Uint8Array(end - start + minScale + 4);
        const length = writeDecimal(text, 0, bytes, start, end, minScale, POINT);
        const digits = Buffer.from(text.buffer, 0, length).toString('latin1');
        return writeAsText(frame, out, position, digits, locale);
      }
      const at = frame.number(out, position);
      return writeBytes(out, writeDecimal(out, at, bytes, start, end, 0, POINT), NUMBER_END);
    },
  };
}
