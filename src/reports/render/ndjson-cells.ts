import { DAY_MS } from '../../time/day-number.ts';
import type { OutColumn } from '../column.ts';
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
import { longestCell, writeDecimal } from './decimal-text.ts';
import { INTEGER_BYTES, writeClock, writeInteger, writeTwoDigits } from './digits.ts';
import { dateParts, isShowable, type RenderZone, WallClock } from './wall-clock.ts';

const BEGIN = Buffer.from('{');
const END = Buffer.from('}\n');
const NULL = Buffer.from('null');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = Buffer.from('0123456789abcdef');

/**
 * A JSON object per line under the columns' keys, the same whatever the locale: every key in
 * every line, `null` for no value, numbers with exactly the digits that they have, instants as
 * ISO 8601 wall time with offset, to the millisecond where there are milliseconds.
 */
export function ndjsonForm(columns: readonly OutColumn[], zone: RenderZone): RowForm {
  return {
    begin: (out, position) => writeBytes(out, position, BEGIN),
    end: END,
    cells: columns.map((column, index) => {
      const lead = Buffer.from(`${index === 0 ? '' : ','}${JSON.stringify(column.key)}:`);
      return ndjsonCell(column, lead, zone);
    }),
    byColumns: null,
  };
}

function ndjsonCell(column: OutColumn, lead: Uint8Array, zone: RenderZone): CellWriter {
  switch (column.type) {
    case 'text':
    case 'date':
      return textCell(lead);
    case 'instant':
      return instantCell(lead, zone);
    case 'integer':
      return integerCell(lead);
    case 'decimal':
      return decimalCell(lead);
  }
}

function textCell(lead: Uint8Array): CellWriter {
  let offsets = NO_OFFSETS;
  let bytes = NO_BYTES;
  return {
    bind(column) {
      ({ offsets, bytes } = bytesIn(column));
      return lead.length + 6 + 6 * longestCell(offsets);
    },
    write(out, position, row) {
      let at = writeBytes(out, position, lead);
      const start = offsets[row];
      const end = offsets[row + 1];
      if (start === end) return writeBytes(out, at, NULL);
      out[at++] = QUOTE;
      for (let i = start; i < end; i++) {
        const byte = bytes[i];
        if (byte < 0x20) {
          at = writeControl(out, at, byte);
        } else {
          if (byte === QUOTE || byte === BACKSLASH) out[at++] = BACKSLASH;
          out[at++] = byte;
        }
      }
      out[at++] = QUOTE;
      return at;
    },
  };
}

/** `\u00XX`. */
function writeControl(out: Uint8Array, position: number, byte: number): number {
  out[position] = BACKSLASH;
  out[position + 1] = 0x75;
  out[position + 2] = 0x30;
  out[position + 3] = 0x30;
  out[position + 4] = HEX[byte >> 4];
  out[position + 5] = HEX[byte & 15];
  return position + 6;
}

function instantCell(lead: Uint8Array, zone: RenderZone): CellWriter {
  const clock = new WallClock(zone);
  let values = NO_VALUES;
  let datePrefix = NO_BYTES;
  let dayNumber = Number.NaN;
  let offsetSuffix = NO_BYTES;
  let suffixOffsetMs = Number.NaN;
  return {
    bind(column) {
      ({ values } = numbersIn(column));
      return lead.length + 48;
    },
    write(out, position, row) {
      let at = writeBytes(out, position, lead);
      const instantMs = Math.trunc(values[row]);
      if (!isShowable(instantMs)) return writeBytes(out, at, NULL);
      const wallMs = clock.wallMsOf(instantMs);
      const day = Math.floor(wallMs / DAY_MS);
      if (day !== dayNumber) {
        dayNumber = day;
        const parts = dateParts(day);
        datePrefix = Buffer.from(`"${parts.year}-${parts.month}-${parts.day}T`);
      }
      if (wallMs - instantMs !== suffixOffsetMs) {
        suffixOffsetMs = wallMs - instantMs;
        offsetSuffix = Buffer.from(`${offsetText(suffixOffsetMs)}"`);
      }
      const msOfDay = wallMs - day * DAY_MS;
      const second = (msOfDay / 1000) | 0;
      at = writeClock(out, writeBytes(out, at, datePrefix), second);
      const ms = msOfDay - second * 1000;
      if (ms !== 0) {
        out[at++] = 0x2e;
        out[at++] = 0x30 + ((ms / 100) | 0);
        at = writeTwoDigits(out, at, ms % 100);
      }
      return writeBytes(out, at, offsetSuffix);
    },
  };
}

/** `+HH:MM`; with `:SS` for the offsets of long ago that have seconds. */
function offsetText(offsetMs: number): string {
  const clock = new Date(Math.abs(offsetMs)).toISOString().slice(11, 19);
  return `${offsetMs < 0 ? '-' : '+'}${clock.endsWith(':00') ? clock.slice(0, 5) : clock}`;
}

function integerCell(lead: Uint8Array): CellWriter {
  let values = NO_VALUES;
  return {
    bind(column) {
      ({ values } = numbersIn(column));
      return lead.length + INTEGER_BYTES;
    },
    write(out, position, row) {
      const at = writeBytes(out, position, lead);
      const value = values[row];
      return Number.isFinite(value) ? writeInteger(out, at, value) : writeBytes(out, at, NULL);
    },
  };
}

function decimalCell(lead: Uint8Array): CellWriter {
  let offsets = NO_OFFSETS;
  let bytes = NO_BYTES;
  return {
    bind(column) {
      ({ offsets, bytes } = bytesIn(column));
      return lead.length + 6 + longestCell(offsets);
    },
    write(out, position, row) {
      const at = writeBytes(out, position, lead);
      const start = offsets[row];
      const end = offsets[row + 1];
      if (start === end) return writeBytes(out, at, NULL);
      return writeDecimal(out, at, bytes, start, end, 0, 0x2e);
    },
  };
}
