import { domainToUnicode } from 'node:url';

/**
 * Domains that are written to be taken for another: letters of several scripts in one label, whole
 * labels of letters that look Latin, and characters that the rules of domains quietly change.
 * After the "highly restrictive" level of UTS 39; what is only accented (`exámple.com`) is seen by
 * people and passes. The list of allowed domains is the guard that no spelling gets around.
 */

/** Scripts that a label may be written in, alone; digits and hyphens go with all of them. */
const TOGETHER = [
  ['Latin'],
  ['Cyrillic'],
  ['Greek'],
  ['Armenian'],
  ['Georgian'],
  ['Hebrew'],
  ['Arabic'],
  ['Devanagari'],
  ['Bengali'],
  ['Tamil'],
  ['Thai'],
  ['Hangul', 'Han'],
  ['Hiragana', 'Katakana', 'Han'],
  ['Bopomofo', 'Han'],
].map((scripts) => {
  const letters = scripts.map((script) => `\\p{Script=${script}}`).join('');
  return new RegExp(`^[${letters}\\p{Script=Inherited}0-9-ー]+$`, 'u');
});

/** Cyrillic and Greek letters that no eye tells from Latin ones. */
const LOOKS_LATIN = /^[аеорсухіјѕһԁԛԝӏвкмнтгпԍѵαορνικτυχβεηωγ0-9-]+$/u;
/** Latin letters that pass for others, or for a stop or a slash. */
const DECEIVING = /[ıȷɑɡɩʟǃǀǁɪʙɢʜɴʀꞌʻʼ·ꓸ⁄∕]/u;

/** @param written in lower case; @param ascii the same as ASCII */
export function isLookAlike(written: string, ascii: string): boolean {
  const unicode = domainToUnicode(ascii);
  // Something else came out than went in: wide letters, another stop, a ligature, a soft hyphen.
  if (written !== ascii && written.normalize('NFC') !== unicode) return true;
  return unicode.split('.').some((label) => {
    if (/^[a-z0-9-]+$/.test(label)) return label.startsWith('xn--');
    if (!TOGETHER.some((script) => script.test(label))) return true;
    return LOOKS_LATIN.test(label) || DECEIVING.test(label);
  });
}
