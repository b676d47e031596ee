import { DAY_MS } from '../../time/day-number.ts';
import type { OutColumn } from '../column.ts';
import type { Locale } from '../request.ts';
import {
  type CellFrame,
  type CellMaker,
  integerMaker,
  SPECIAL_ANYWHERE,
  SPECIAL_FIRST,
  textMaker,
  wallTimeMaker,
} from './cell-columns.ts';
import {
  bytesIn,
  type CellWriter,
  NO_BYTES,
  NO_OFFSETS,
  NO_VALUES,
  numbersIn,
  type RowForm,
} from './cell-writer.ts';
import { type CsvDialect, csvDialectOf } from './csv-dialect.ts';
import { longestCell, writeDecimal } from './decimal-text.ts';
import { INTEGER_BYTES, writeClock, writeInteger } from './digits.ts';
import { mayArm, NEUTRALISER, needsApostrophe } from './formula-safety.ts';
import { dateParts, isShowable, type RenderZone, WallClock } from './wall-clock.ts';

const QUOTE = 0x22;
const CRLF = Buffer.from('\r\n');

/** RFC 4180 rows in a locale's dialect. */
export function csvForm(columns: readonly OutColumn[], locale: Locale, zone: RenderZone): RowForm {
  const dialect = csvDialectOf(locale);
  const alone = columns.length === 1;
  return {
    begin: (_out, position) => position,
    end: CRLF,
    cells: columns.map((column, index) =>
      csvCell(column, index === 0 ? 0 : dialect.delimiter.charCodeAt(0), alone, dialect, zone),
    ),
    byColumns: {
      begin: NO_BYTES,
      beginTail: NO_BYTES,
      makers: columns.map((column, index) => {
        const before = Buffer.from(index === 0 ? '' : dialect.delimiter);
        const empty = alone ? Buffer.from('""') : before;
        return csvMaker(
          column,
          { before, middle: NO_BYTES, behind: NO_BYTES, empty },
          dialect,
          zone,
        );
      }),
    },
  };
}

/** All digits of a double that is a whole number. */
const WHOLE_LIMIT = 2 ** 53;

function csvMaker(
  column: OutColumn,
  frame: CellFrame,
  dialect: CsvDialect,
  zone: RenderZone,
): CellMaker | null {
  switch (column.type) {
    case 'text':
      return textMaker({
        frame,
        kinds: specialBytes(dialect),
        longest: Number.MAX_SAFE_INTEGER,
        special: textCell(0, dialect, (_out, position) => position),
        wrap: { before: NO_BYTES, behind: NO_BYTES },
      });
    case 'instant':
      return wallTimeMaker(frame, zone, dialect.dates === 'DD/MM/YYYY');
    case 'integer':
      return integerMaker(frame, WHOLE_LIMIT);
    case 'date':
    case 'decimal':
      return null;
  }
}

/** Bytes that make a text be quoted, and those that may make a spreadsheet run it. */
function specialBytes(dialect: CsvDialect): Uint8Array {
  const kinds = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) if (mayArm(byte)) kinds[byte] |= SPECIAL_FIRST;
  for (const character of `${dialect.delimiter}"\r\n`) {
    kinds[character.charCodeAt(0)] |= SPECIAL_ANYWHERE;
  }
  return kinds;
}

/** @param lead the delimiter in front of the cell, or 0 */
function csvCell(
  column: OutColumn,
  lead: number,
  alone: boolean,
  dialect: CsvDialect,
  zone: RenderZone,
): CellWriter {
  // A line of one empty cell would be an empty line, which readers skip.
  const writeNone = alone ? writeEmptyQuotes : (_out: Uint8Array, position: number) => position;
  switch (column.type) {
    case 'text':
      return textCell(lead, dialect, writeNone);
    case 'date':
      return dateCell(lead, dialect, writeNone);
    case 'instant':
      return instantCell(lead, dialect, zone, writeNone);
    case 'integer':
      return integerCell(lead, writeNone);
    case 'decimal':
      return decimalCell(lead, column.minScale, dialect, writeNone);
  }
}

type WriteNone = (out: Uint8Array, position: number) => number;

function writeEmptyQuotes(out: Uint8Array, position: number): number {
  out[position] = QUOTE;
  out[position + 1] = QUOTE;
  return position + 2;
}

function textCell(lead: number, dialect: CsvDialect, writeNone: WriteNone): CellWriter {
  const quoted = new Uint8Array(256);
  for (const character of `${dialect.delimiter}"\r\n`) quoted[character.charCodeAt(0)] = 1;
  let offsets = NO_OFFSETS;
  let bytes = NO_BYTES;
  return {
    bind(column) {
      ({ offsets, bytes } = bytesIn(column));
      return 4 + 2 * longestCell(offsets);
    },
    write(out, position, row) {
      let at = position;
      if (lead !== 0) out[at++] = lead;
      const start = offsets[row];
      const end = offsets[row + 1];
      if (start === end) return writeNone(out, at);
      const from = at;
      const armed = needsApostrophe(bytes, start, end);
      if (armed) out[at++] = NEUTRALISER;
      for (let i = start; i < end; i++) {
        const byte = bytes[i];
        if (quoted[byte] !== 0) return writeQuoted(out, from, armed, bytes, start, end);
        out[at++] = byte;
      }
      return at;
    },
  };
}

function writeQuoted(
  out: Uint8Array,
  position: number,
  armed: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let at = position;
  out[at++] = QUOTE;
  if (armed) out[at++] = NEUTRALISER;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) out[at++] = QUOTE;
    out[at++] = byte;
  }
  out[at++] = QUOTE;
  return at;
}

function dateCell(lead: number, dialect: CsvDialect, writeNone: WriteNone): CellWriter {
  const turned = dialect.dates === 'DD/MM/YYYY';
  let offsets = NO_OFFSETS;
  let bytes = NO_BYTES;
  return {
    bind(column) {
      ({ offsets, bytes } = bytesIn(column));
      return 1 + Math.max(2, longestCell(offsets));
    },
    write(out, position, row) {
      let at = position;
      if (lead !== 0) out[at++] = lead;
      const start = offsets[row];
      const end = offsets[row + 1];
      if (start === end) return writeNone(out, at);
      if (!turned || end - start !== 10) {
        for (let i = start; i < end; i++) out[at++] = bytes[i];
        return at;
      }
      out[at++] = bytes[start + 8];
      out[at++] = bytes[start + 9];
      out[at++] = 0x2f;
      out[at++] = bytes[start + 5];
      out[at++] = bytes[start + 6];
      out[at++] = 0x2f;
      for (let i = start; i < start + 4; i++) out[at++] = bytes[i];
      return at;
    },
  };
}

function instantCell(
  lead: number,
  dialect: CsvDialect,
  zone: RenderZone,
  writeNone: WriteNone,
): CellWriter {
  const clock = new WallClock(zone);
  let values = NO_VALUES;
  let datePrefix = NO_BYTES;
  let dayNumber = Number.NaN;
  return {
    bind(column) {
      values = numbersIn(column).values;
      return 32;
    },
    write(out, position, row) {
      let at = position;
      if (lead !== 0) out[at++] = lead;
      const instantMs = values[row];
      if (!isShowable(instantMs)) return writeNone(out, at);
      const wallMs = clock.wallMsOf(instantMs);
      const day = Math.floor(wallMs / DAY_MS);
      if (day !== dayNumber) {
        dayNumber = day;
        datePrefix = datePrefixOf(day, dialect);
      }
      for (let i = 0; i < datePrefix.length; i++) out[at++] = datePrefix[i];
      return writeClock(out, at, ((wallMs - day * DAY_MS) / 1000) | 0);
    },
  };
}

function datePrefixOf(dayNumber: number, dialect: CsvDialect): Uint8Array {
  const { year, month, day } = dateParts(dayNumber);
  const date =
    dialect.dates === 'DD/MM/YYYY' ? `${day}/${month}/${year}` : `${year}-${month}-${day}`;
  return Buffer.from(`${date} `);
}

function integerCell(lead: number, writeNone: WriteNone): CellWriter {
  let values = NO_VALUES;
  return {
    bind(column) {
      values = numbersIn(column).values;
      return 1 + INTEGER_BYTES;
    },
    write(out, position, row) {
      let at = position;
      if (lead !== 0) out[at++] = lead;
      const value = values[row];
      return Number.isFinite(value) ? writeInteger(out, at, value) : writeNone(out, at);
    },
  };
}

function decimalCell(
  lead: number,
  minScale: number,
  dialect: CsvDialect,
  writeNone: WriteNone,
): CellWriter {
  const mark = dialect.decimalMark.charCodeAt(0);
  let offsets = NO_OFFSETS;
  let bytes = NO_BYTES;
  return {
    bind(column) {
      ({ offsets, bytes } = bytesIn(column));
      return 4 + minScale + longestCell(offsets);
    },
    write(out, position, row) {
      let at = position;
      if (lead !== 0) out[at++] = lead;
      const start = offsets[row];
      const end = offsets[row + 1];
      if (start === end) return writeNone(out, at);
      return writeDecimal(out, at, bytes, start, end, minScale, mark);
    },
  };
}
