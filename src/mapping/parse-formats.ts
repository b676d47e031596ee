import { readIso } from './iso-time.ts';
import { fail, type Json, textAt } from './map-values.ts';
import { compileTimeFormat, type TimeFormat } from './time-format.ts';

/** Formats of instants: one, or several of which the first that fits is read. */

const ISO = 'ISO';
/** Where a text says no offset, the row is told so. */
const ISO_FORMAT: TimeFormat = { read: readIso, hasDate: true, hasTime: true, hasOffset: true };

/**
 * @param byDefault the format where none is given; null: ISO 8601
 * @throws DaybookError `E_MAP`
 */
export function formatOf(
  where: string,
  all: Json,
  byDefault: string | null,
): { readonly format: TimeFormat | null; readonly formatText: string | null } {
  if (all['formats'] !== undefined) return severalAt(where, all);
  if (all['format'] === undefined && byDefault === null) return { format: null, formatText: null };
  const formatText =
    all['format'] === undefined ? (byDefault ?? '') : textAt(`${where}.format`, all['format']);
  return { format: formatAt(`${where}.format`, formatText), formatText };
}

function severalAt(where: string, all: Json) {
  const raw = all['formats'];
  if (all['format'] !== undefined) fail(`${where}.format`, all['format'], 'it not beside formats');
  if (!Array.isArray(raw) || raw.length === 0) {
    fail(`${where}.formats`, raw, `a list of formats; ${ISO} stands for ISO 8601`);
  }
  const texts = (raw as unknown[]).map((each, i) => textAt(`${where}.formats[${i}]`, each));
  const formats = texts.map((text, i) =>
    text === ISO ? ISO_FORMAT : formatAt(`${where}.formats[${i}]`, text),
  );
  const format: TimeFormat = {
    read: (bytes, start, end, into) =>
      formats.some((each) => {
        into.offsetMs = Number.NaN;
        return each.read(bytes, start, end, into);
      }),
    hasDate: formats.every(({ hasDate }) => hasDate),
    hasTime: formats.some(({ hasTime }) => hasTime),
    hasOffset: formats.every(({ hasOffset }) => hasOffset),
  };
  return { format, formatText: texts.join(' or ') };
}

function formatAt(where: string, text: string): TimeFormat {
  return compileTimeFormat(text) ?? fail(where, text, 'Luxon tokens such as yyyy-MM-dd HH:mm:ss');
}
