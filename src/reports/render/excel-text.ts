import type { Locale } from '../request.ts';
import { SPECIAL_ANYWHERE, SPECIAL_BEFORE_X, SPECIAL_FIRST, SPECIAL_LAST } from './cell-columns.ts';

/**
 * The one rule for text in a workbook's cells.
 *
 * - What XML cannot say (the controls U+0000 to U+001F but tab, LF and CR; U+FFFE and U+FFFF;
 *   halves of surrogate pairs) becomes U+FFFD, one for one, so that a person sees that something
 *   stood there.
 * - `_xHHHH_`, which Excel reads as the character of that number, is written `_x005F_xHHHH_`,
 *   which Excel reads as the literal text.
 * - CR is written `&#13;`, because an XML reader turns a bare one into LF.
 * - `&`, `<` and `>` are written as entities; text with a blank at either end, or a line break or
 *   a tab in it, bears `xml:space="preserve"`.
 * - A cell holds 32,767 UTF-16 code units. A longer text is cut at a whole character and ends in
 *   a note that says how long it was.
 *
 * All other text comes back identical.
 */

/** UTF-16 code units that a cell holds. */
export const CELL_UNITS = 32_767;

/** Bytes that one byte of text takes at most, and what a note or an attribute may add. */
export const EXCEL_TEXT_GROWTH = 7;
export const EXCEL_TEXT_EXTRA_BYTES = 128;

const NOTES: Readonly<Record<Locale, (units: number) => string>> = {
  en: (units) => ` [… cut: the text has ${units} characters]`,
  'pt-BR': (units) => ` [… cortado: o texto tem ${units} caracteres]`,
  es: (units) => ` [… cortado: el texto tiene ${units} caracteres]`,
};

const PLAIN = 0;
const SPECIAL = 1;
const UNDERSCORE = 2;

/** Bytes that are not simply copied. */
const KINDS = new Uint8Array(256);
KINDS.fill(SPECIAL, 0, 0x20);
for (const character of '&<>') KINDS[character.charCodeAt(0)] = SPECIAL;
KINDS['_'.charCodeAt(0)] = UNDERSCORE;
// U+D800 to U+DFFF begin with ED, U+FFFE and U+FFFF with EF.
KINDS[0xed] = SPECIAL;
KINDS[0xef] = SPECIAL;

/**
 * For the kernel's `specialCells`: a text of at most {@link CELL_UNITS} bytes without them is a
 * `<t>` element as it stands.
 */
export function specialExcelBytes(): Uint8Array {
  const kinds = KINDS.map((kind) =>
    kind === SPECIAL ? SPECIAL_ANYWHERE : kind === UNDERSCORE ? SPECIAL_BEFORE_X : 0,
  );
  kinds[0x20] |= SPECIAL_FIRST | SPECIAL_LAST;
  return kinds;
}

const OPEN = Buffer.from('<t>');
const OPEN_PRESERVED = Buffer.from('<t xml:space="preserve">');
const CLOSE = Buffer.from('</t>');
const REPLACEMENT = Buffer.from('\ufffd');
const ESCAPED_UNDERSCORE = Buffer.from('_x005F_');
const ENTITIES = new Map(
  [
    ['&', '&amp;'],
    ['<', '&lt;'],
    ['>', '&gt;'],
    ['\r', '&#13;'],
  ].map(([character, entity]) => [character.charCodeAt(0), Buffer.from(entity)]),
);

/** Writes the UTF-8 text `bytes[start .. end)` as a `<t>` element by the rule above. */
export function writeExcelText(
  out: Uint8Array,
  position: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  locale: Locale,
): number {
  if (bytes[start] === 0x20 || bytes[end - 1] === 0x20 || end - start > CELL_UNITS) {
    return writeCarefully(out, position, bytes, start, end, locale);
  }
  let at = position;
  for (let i = 0; i < OPEN.length; i++) out[at++] = OPEN[i];
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    const kind = KINDS[byte];
    if (kind !== PLAIN && (kind === SPECIAL || isEscapeAt(bytes, i, end))) {
      return writeCarefully(out, position, bytes, start, end, locale);
    }
    out[at++] = byte;
  }
  for (let i = 0; i < CLOSE.length; i++) out[at++] = CLOSE[i];
  return at;
}

/** The same rule for a string that a library escapes for XML; CR and CR LF become LF. */
export function excelText(text: string, locale: Locale): string {
  const clean = text
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/\r\n?/g, '\n')
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd');
  const note = NOTES[locale](text.length);
  const kept = clean.length > CELL_UNITS ? cutAt(clean, CELL_UNITS - note.length) + note : clean;
  return kept.replace(/_(?=x[0-9a-f]{4}_)/gi, '_x005F_');
}

/** At most `units` code units of a well-formed text, without half of a pair at the end. */
function cutAt(text: string, units: number): string {
  return text.slice(0, units).replace(/\p{Surrogate}$/u, '');
}

function writeCarefully(
  out: Uint8Array,
  position: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  locale: Locale,
): number {
  const units = end - start > CELL_UNITS ? unitsIn(bytes, start, end) : 0;
  const note = units > CELL_UNITS ? NOTES[locale](units) : '';
  const cutEnd = note === '' ? end : endOfUnits(bytes, start, end, CELL_UNITS - note.length);
  let at = writeAll(out, position, isBlankSensitive(bytes, start, end) ? OPEN_PRESERVED : OPEN);
  for (let i = start; i < cutEnd; i++) {
    const byte = bytes[i];
    const entity = KINDS[byte] === SPECIAL ? ENTITIES.get(byte) : undefined;
    if (entity !== undefined) {
      at = writeAll(out, at, entity);
    } else if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a) {
      at = writeAll(out, at, REPLACEMENT);
    } else if (isUnsayable(bytes, i, end)) {
      at = writeAll(out, at, REPLACEMENT);
      i += 2;
    } else if (KINDS[byte] === UNDERSCORE && isEscapeAt(bytes, i, end)) {
      at = writeAll(out, at, ESCAPED_UNDERSCORE);
    } else {
      out[at++] = byte;
    }
  }
  if (note !== '') at = writeAll(out, at, Buffer.from(note));
  return writeAll(out, at, CLOSE);
}

function isBlankSensitive(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] <= 0x20 || bytes[end - 1] <= 0x20) return true;
  for (let i = start; i < end; i++) {
    if (bytes[i] === 0x09 || bytes[i] === 0x0a || bytes[i] === 0x0d) return true;
  }
  return false;
}

/** U+FFFE, U+FFFF, or a surrogate written as if it were a character. */
function isUnsayable(bytes: Uint8Array, at: number, end: number): boolean {
  if (at + 2 >= end) return false;
  if (bytes[at] === 0xed) return bytes[at + 1] >= 0xa0;
  return bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] >= 0xbe;
}

/** Whether `_xHHHH_` stands at an underscore. */
function isEscapeAt(bytes: Uint8Array, at: number, end: number): boolean {
  if (at + 6 >= end || (bytes[at + 1] | 0x20) !== 0x78 || bytes[at + 6] !== 0x5f) return false;
  for (let i = at + 2; i < at + 6; i++) {
    const byte = bytes[i] | 0x20;
    const isDigit = bytes[i] >= 0x30 && bytes[i] <= 0x39;
    if (!isDigit && !(byte >= 0x61 && byte <= 0x66)) return false;
  }
  return true;
}

/** UTF-16 code units of a UTF-8 text. */
function unitsIn(bytes: Uint8Array, start: number, end: number): number {
  let units = 0;
  for (let i = start; i < end; i++) units += unitsBegunBy(bytes[i]);
  return units;
}

/** Where the longest run of whole characters of at most `units` code units ends. */
function endOfUnits(bytes: Uint8Array, start: number, end: number, units: number): number {
  let left = units;
  for (let i = start; i < end; i++) {
    left -= unitsBegunBy(bytes[i]);
    if (left < 0) return i;
  }
  return end;
}

function unitsBegunBy(byte: number): number {
  if (byte >= 0xf0) return 2;
  return (byte & 0xc0) === 0x80 ? 0 : 1;
}

function writeAll(out: Uint8Array, position: number, bytes: Uint8Array): number {
  out.set(bytes, position);
  return position + bytes.length;
}
