import type { OffsetStretch } from '../time/zone.ts';
import type { BytesColumn } from './chunk.ts';
import type { DayRows, RowNumbers } from './day-rows.ts';

const HOUR_MS = 3_600_000;

/** The hour of the local day, 0 to 23, in which an instant field falls. */
export function hourOfDay(instantField: string): RowNumbers {
  return overStretches(instantField, (instant, { offsetMs }) => {
    const hour = Math.floor((instant + offsetMs) / HOUR_MS) % 24;
    return hour < 0 ? hour + 24 : hour;
  });
}

/**
 * The instant at which the local hour of an instant field began. Clocks that were put back give an
 * hour twice, each with a start of its own; an hour that a clock change cuts starts at the change.
 */
export function hourStart(instantField: string): RowNumbers {
  return overStretches(instantField, (instant, { start, offsetMs }) => {
    const intoHour = (instant + offsetMs) % HOUR_MS;
    return Math.max(start, instant - (intoHour < 0 ? intoHour + HOUR_MS : intoHour));
  });
}

function overStretches(
  instantField: string,
  make: (instant: number, stretch: OffsetStretch) => number,
): RowNumbers {
  return (rows) => {
    const stretches = rows.stretches();
    let stretch = stretches[0];
    return rows.numbers(instantField).map((instant) => {
      if (instant < stretch.start || instant >= stretch.end)
        stretch = stretchOf(stretches, instant);
      return make(instant, stretch);
    });
  };
}

function stretchOf(stretches: readonly OffsetStretch[], instant: number): OffsetStretch {
  return stretches.findLast(({ start }) => start <= instant) ?? stretches[0];
}

/** The offset in force at an instant field, such as `+02:00`, as a text column. */
export function offsetTexts(instantField: string): (rows: DayRows) => BytesColumn {
  return (rows) => {
    const stretches = rows.stretches();
    const texts = stretches.map(({ offsetMs }) => Buffer.from(offsetText(offsetMs), 'latin1'));
    const instants = rows.numbers(instantField);
    const offsets = new Uint32Array(rows.rows + 1);
    const bytes = new Uint8Array(rows.rows * Math.max(...texts.map((text) => text.length)));
    let at = 0;
    for (let row = 0; row < rows.rows; row++) {
      const text = texts[stretches.indexOf(stretchOf(stretches, instants[row]))];
      bytes.set(text, at);
      at += text.length;
      offsets[row + 1] = at;
    }
    return { type: 'text', offsets, bytes: bytes.subarray(0, at) };
  };
}

/** `+02:00`, `-03:30`; with seconds (`+00:53:28`) only where an old zone has them. */
export function offsetText(offsetMs: number): string {
  const size = Math.abs(offsetMs) / 1000;
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  const seconds = size % 60 === 0 ? '' : `:${two(size % 60)}`;
  return `${offsetMs < 0 ? '-' : '+'}${two(size / 3600)}:${two((size / 60) % 60)}${seconds}`;
}

/** The day's date in every row. */
export function dateTexts(rows: DayRows): BytesColumn {
  const date = Buffer.from(rows.day.date, 'latin1');
  const offsets = new Uint32Array(rows.rows + 1);
  const bytes = new Uint8Array(rows.rows * date.length);
  for (let row = 0; row < rows.rows; row++) {
    bytes.set(date, row * date.length);
    offsets[row + 1] = (row + 1) * date.length;
  }
  return { type: 'text', offsets, bytes };
}
