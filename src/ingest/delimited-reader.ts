import { DaybookError } from '../errors.ts';
import type { RowReader, RowVisitor } from '../mapping/row.ts';
import type { Bytes } from './byte-source.ts';
import { DelimitedParser, type Dialect } from './delimited-parser.ts';

/** Rows of CSV or TSV. The first row names the columns, unless `header` does. */
export async function openDelimited(
  bytes: Bytes,
  options: Dialect & { readonly header: readonly string[] | null; readonly name: string },
): Promise<RowReader> {
  const iterator = bytes[Symbol.asyncIterator]();
  const parser = new DelimitedParser(options);
  const waiting: Buffer[] = [];
  const columns = options.header ?? (await readHeader());
  checkColumns(columns, options.name);
  let skipFirst = options.header === null;
  let ended = false;

  /** Reads ahead until the header is whole; what was read is parsed again with the rows. */
  async function readHeader(): Promise<string[]> {
    const ahead = new DelimitedParser(options);
    let names: string[] | null = null;
    const take: RowVisitor = (row) => {
      names ??= Array.from({ length: row.count }, (_, i) => row.text(i));
    };
    while (names === null) {
      const { value, done } = await iterator.next();
      if (done) break;
      waiting.push(value);
      ahead.push(Buffer.from(value), take);
    }
    if (names === null) ahead.end(take);
    if (names === null) {
      throw new DaybookError('E_INPUT', {
        where: options.name,
        reason: 'the file is empty; expected a line of column names',
      });
    }
    return (names as string[]).map((name, i) => (name === '' ? `column_${i + 1}` : name));
  }

  return {
    columns,
    async next(visit) {
      if (ended) return false;
      const afterHeader: RowVisitor = (row) => {
        if (skipFirst) {
          skipFirst = false;
          parser.restartCounting();
          return;
        }
        visit(row);
      };
      const visitor = skipFirst ? afterHeader : visit;
      let piece = waiting.shift();
      if (piece === undefined) {
        const { value, done } = await iterator.next();
        if (done) {
          ended = true;
          parser.end(visitor);
          return true;
        }
        piece = value as Buffer;
      }
      parser.push(piece, visitor);
      return true;
    },
    close: async () => {
      await iterator.return?.();
    },
  };
}

/** @throws DaybookError `E_INPUT` where a name stands twice */
export function checkColumns(columns: readonly string[], name: string): void {
  const twice = columns.find((column, i) => columns.indexOf(column) < i);
  if (twice === undefined) return;
  throw new DaybookError('E_INPUT', {
    where: name,
    reason: `two columns are named ${JSON.stringify(twice)}; expected every name once`,
  });
}
