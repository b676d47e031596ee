import { DaybookError } from '../errors.ts';

/** Formats that are read; each may come compressed by gzip. */
export const INPUT_FORMATS = ['csv', 'tsv', 'ndjson', 'xlsx'] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];

const BY_ENDING: Readonly<Record<string, InputFormat>> = {
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  xlsx: 'xlsx',
};

/** `csv`, `csv.gz`, …: gzip is told by the bytes, so that the ending may be left out. */
export function parseInputFormat(text: string, where: string): InputFormat {
  const plain = text.toLowerCase().replace(/\.gz$/, '');
  const format = INPUT_FORMATS.find((each) => each === plain);
  if (format) return format;
  throw new DaybookError('E_USAGE', {
    where,
    got: text,
    expected: INPUT_FORMATS.map((each) => (each === 'xlsx' ? each : `${each}, ${each}.gz`)).join(
      ', ',
    ),
  });
}

/** Null: the name says nothing. */
export function formatOfName(name: string): InputFormat | null {
  const ending = /\.([a-z]+)(\.gz)?$/i.exec(name)?.[1].toLowerCase() ?? '';
  return BY_ENDING[ending] ?? null;
}

export function looksGzipped(head: Buffer): boolean {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

export function looksZipped(head: Buffer): boolean {
  return head.length >= 4 && head.toString('latin1', 0, 4) === 'PK\x03\x04';
}

/** Of plain bytes without a name: an object in braces is NDJSON; a tab in the first line, TSV. */
export function sniffFormat(head: Buffer): InputFormat {
  if (looksZipped(head)) return 'xlsx';
  const text = head.toString('latin1').replace(/^\xef\xbb\xbf/, '');
  if (/^\s*\{/.test(text)) return 'ndjson';
  return sniffDelimiter(head) === '\t' ? 'tsv' : 'csv';
}

/** The commonest of comma, semicolon, tab and bar in the first line, outside quotes. */
export function sniffDelimiter(head: Buffer): string {
  const line = /^(?:"[^"]*"|[^"\r\n])*/.exec(head.toString('latin1'))?.[0] ?? '';
  const unquoted = line.replace(/"[^"]*"/g, '');
  let best = ',';
  for (const each of [';', '\t', '|']) {
    if (unquoted.split(each).length > unquoted.split(best).length) best = each;
  }
  return best;
}
