/**
 * The one rule for text that a spreadsheet would run when it opens a CSV file.
 *
 * A text is **armed** when, after any run of spaces (also no-break, ideographic, zero-width ones
 * and U+FEFF) and quotation marks (`"` and `'`), there stands one of `= + - @`, a control
 * character such as tab, CR, LF or NUL, or a full-width `＝ ＋ － ＠`.
 *
 * An armed text gets one leading apostrophe, unless all of it reads as
 * - a telephone number: `+`, then digits with spaces, `( ) - / .` among them;
 * - a negative number: `-`, then digits with `.`, `,` and spaces among them.
 * Both hold no letters, so that they can name no cell and call no function.
 *
 * Taking one apostrophe away from a text that begins with an apostrophe and is still armed
 * without it gives every text back as it was. Columns of numbers and dates are not text and are
 * never touched. What the rule does not do: it looks at the beginning of a cell only, so that a
 * file read with another delimiter than its own can still cut a cell in two.
 */

const SPACE = 0x20;
const APOSTROPHE = 0x27;

const OTHER = 0;
const SKIPPED = 1;
const TRIGGER = 2;
/** May begin a skipped or a triggering character of several bytes. */
const LEAD = 3;

const KINDS = new Uint8Array(256);
for (let control = 0; control < SPACE; control++) KINDS[control] = TRIGGER;
for (const character of '=+-@') KINDS[character.charCodeAt(0)] = TRIGGER;
for (const character of ' "\'') KINDS[character.charCodeAt(0)] = SKIPPED;
KINDS[0x7f] = TRIGGER;
for (const lead of [0xc2, 0xe2, 0xe3, 0xef]) KINDS[lead] = LEAD;

const TRIGGERS_OF_THREE = ['＝', '＋', '－', '＠'].map(codeOf);
const SKIPPED_OF_THREE = [
  ...Array.from({ length: 16 }, (_, i) => String.fromCharCode(0x2000 + i)),
  '\u2028',
  '\u2029',
  '\u202f',
  '\u205f',
  '\u2060',
  '\u3000',
  '\ufeff',
].map(codeOf);

const PHONE_MARKS = markSet(' ()-/.');
const NUMBER_MARKS = markSet(' .,');

/** Whether a text that begins with this byte may be armed. */
export function mayArm(byte: number): boolean {
  return KINDS[byte] !== OTHER;
}

/** Whether the UTF-8 text `bytes[start .. end)` must get an apostrophe in front of it in CSV. */
export function needsApostrophe(bytes: Uint8Array, start: number, end: number): boolean {
  if (start >= end || KINDS[bytes[start]] === OTHER) return false;
  return isArmed(bytes, start, end) && !readsAsNumber(bytes, start, end);
}

/** {@link needsApostrophe} for a string, applied. */
export function neutralised(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  return needsApostrophe(bytes, 0, bytes.length) ? `'${text}` : text;
}

function isArmed(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const kind = KINDS[bytes[at]];
    if (kind === OTHER) return false;
    if (kind === TRIGGER) return true;
    if (kind === SKIPPED) {
      at++;
    } else if (bytes[at] === 0xc2) {
      const second = bytes[at + 1];
      // U+0080 to U+009F are controls, U+00A0 is a space.
      if (second < 0xa0) return true;
      if (second !== 0xa0) return false;
      at += 2;
    } else {
      const code = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
      if (TRIGGERS_OF_THREE.includes(code)) return true;
      if (!SKIPPED_OF_THREE.includes(code)) return false;
      at += 3;
    }
  }
  return false;
}

function readsAsNumber(bytes: Uint8Array, start: number, end: number): boolean {
  const sign = bytes[start];
  if (sign !== 0x2b && sign !== 0x2d) return false;
  const marks = sign === 0x2b ? PHONE_MARKS : NUMBER_MARKS;
  let digits = 0;
  for (let i = start + 1; i < end; i++) {
    const byte = bytes[i];
    if (byte >= 0x30 && byte <= 0x39) digits++;
    else if (marks[byte] === 0) return false;
  }
  return digits > 0;
}

function codeOf(character: string): number {
  const [first, second, third] = Buffer.from(character, 'utf8');
  return (first << 16) | (second << 8) | third;
}

function markSet(marks: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const mark of marks) set[mark.charCodeAt(0)] = 1;
  return set;
}

/** The apostrophe itself, as a byte. */
export const NEUTRALISER = APOSTROPHE;
