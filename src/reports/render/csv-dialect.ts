import type { Locale } from '../request.ts';

/** How a locale's spreadsheets read a CSV file. Bytes are UTF-8 and lines end in CRLF in all. */
export interface CsvDialect {
  readonly delimiter: ',' | ';';
  readonly decimalMark: '.' | ',';
  /** The order of a date's parts. */
  readonly dates: 'YYYY-MM-DD' | 'DD/MM/YYYY';
  /** The file begins with U+FEFF, without which Excel takes it for the machine's code page. */
  readonly byteOrderMark: boolean;
}

const PLAIN: CsvDialect = {
  delimiter: ',',
  decimalMark: '.',
  dates: 'YYYY-MM-DD',
  byteOrderMark: false,
};
const DECIMAL_COMMA: CsvDialect = {
  delimiter: ';',
  decimalMark: ',',
  dates: 'DD/MM/YYYY',
  byteOrderMark: true,
};

const DIALECTS: Readonly<Record<Locale, CsvDialect>> = {
  en: PLAIN,
  'pt-BR': DECIMAL_COMMA,
  es: DECIMAL_COMMA,
};

export function csvDialectOf(locale: Locale): CsvDialect {
  return DIALECTS[locale];
}
