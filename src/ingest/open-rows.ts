import { DaybookError } from '../errors.ts';
import { hasPaths } from '../mapping/json-path.ts';
import { columnsUsed, type LoadMap } from '../mapping/load-map.ts';
import type { RowReader } from '../mapping/row.ts';
import type { RowShape } from '../reports/dataset.ts';
import { asUtf8, type Bytes, peek, unzipped } from './byte-source.ts';
import { openDelimited } from './delimited-reader.ts';
import { flattened } from './flatten-json.ts';
import {
  formatOfName,
  type InputFormat,
  looksZipped,
  sniffDelimiter,
  sniffFormat,
} from './input-format.ts';
import { openNdjson } from './ndjson-reader.ts';
import { openWorkbook } from './xlsx-reader.ts';

export interface OpenedRows {
  readonly reader: RowReader;
  readonly format: InputFormat;
  /** What was read, for people: `csv, delimiter ","`. */
  readonly description: string;
}

/**
 * Rows of bytes that come from anywhere. The format is the given one, or that of the name, or what
 * the first bytes look like. Must be closed.
 * @param name of the file, for messages and for its ending
 * @throws DaybookError `E_INPUT`
 */
export async function openRows(
  source: Bytes,
  options: {
    readonly name: string;
    readonly format: InputFormat | null;
    readonly map: LoadMap;
    readonly dataset: RowShape;
  },
): Promise<OpenedRows> {
  const { name, map, dataset } = options;
  const plain = await unzipped(source, name);
  if (/\.gz$/i.test(name) && !plain.wasGzip) {
    throw new DaybookError('E_INPUT', {
      where: name,
      reason: 'its name says gzip; its bytes do not',
    });
  }
  const format = options.format ?? formatOfName(name) ?? sniffFormat(plain.head);
  if (looksZipped(plain.head) !== (format === 'xlsx')) {
    throw new DaybookError('E_INPUT', {
      where: name,
      reason:
        format === 'xlsx' ? 'it is no .xlsx file' : `it is no ${format}; is it an .xlsx file?`,
    });
  }
  if (format === 'xlsx') {
    const reader = await openWorkbook(plain.bytes, { name, sheet: map.sheet, header: map.header });
    return { reader, format, description: 'xlsx' };
  }
  const text = await peek(asUtf8(plain.head, plain.bytes));
  if (format === 'ndjson') {
    const reader = openObjects(text.bytes, map, dataset);
    return { reader, format, description: 'ndjson' };
  }
  const delimiter = map.delimiter ?? (format === 'tsv' ? '\t' : sniffDelimiter(text.head));
  const reader = await openDelimited(text.bytes, {
    delimiter,
    quote: map.quote,
    header: map.header,
    name,
  });
  return { reader, format, description: `${format}, delimiter ${JSON.stringify(delimiter)}` };
}

/** Rows of NDJSON, made flat where the map's columns are paths. Must be closed. @throws DaybookError `E_MAP` */
export function openObjects(bytes: Bytes, map: LoadMap, dataset: RowShape): RowReader {
  const columns = columnsOf({ columns: null }, map, dataset);
  const all = map.extra === 'all';
  return openNdjson(hasPaths(columns) ? flattened(bytes, columns, all) : bytes, columns, all);
}

/** The columns that rows of a reader have: its own, or those that were looked for. */
export function columnsOf(
  reader: Pick<RowReader, 'columns'>,
  map: LoadMap,
  dataset: RowShape,
): readonly string[] {
  if (reader.columns !== null) return reader.columns;
  const extra = map.extra === 'all' ? [] : map.extra;
  return [...new Set([...columnsUsed(map, dataset), ...extra])];
}
