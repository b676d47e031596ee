import { DaybookError } from '../../errors.ts';
import type { WatermarkKind } from '../watermark.ts';
import {
  type Dialect,
  PIECE_ROWS,
  type QueryValue,
  type TableColumn,
  type TableQuery,
  type TableSource,
} from './table-source.ts';
import { type Tedious, tediousOptions } from './tedious.ts';

/**
 * SQL Server. The driver makes floats of decimals and cuts times to milliseconds, so the server is
 * asked first which columns a query has and then for their text. All that is ever sent is `select`;
 * who wants a guard besides gives a login that may read and nothing else.
 */

const DIALECT: Dialect = {
  quote: (name) => `[${name.replaceAll(']', ']]')}]`,
  limited: (select, rows) => select.replace(/^select /, `select top (${rows}) `),
  placeholder: ({ cast }) => (cast === '' ? '?' : `convert(${cast}, ?, 121)`),
};

/** @throws DaybookError `E_UNAVAILABLE`, `E_CONFIG` */
export async function openSqlServerTable(
  tedious: Tedious,
  url: string,
  statementMs: number,
  signal: AbortSignal,
): Promise<TableSource> {
  signal.throwIfAborted();
  const connection = new tedious.Connection(tediousOptions(url, statementMs));
  let lost: Error | null = null;
  connection.on('error', (error) => {
    lost = error ?? new Error('the connection was lost');
  });
  const hangUp = () => connection.close();
  signal.addEventListener('abort', hangUp, { once: true });
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(refusal(error)) : resolve()));
  });

  async function* run(text: string, values: readonly QueryValue[]) {
    signal.throwIfAborted();
    if (lost !== null) throw refusal(lost);
    let queue: TableRowPiece = [];
    let ended: { readonly error: Error | null } | null = null;
    let wake = () => {};
    const request = new tedious.Request(named(text), (error) => {
      ended = { error: error ?? null };
      wake();
    });
    values.forEach((value, i) => {
      request.addParameter(`p${i + 1}`, tedious.TYPES.NVarChar, plain(value));
    });
    request.on('row', (columns) => {
      queue.push(columns.map(({ value }) => asText(value)));
      if (queue.length < PIECE_ROWS) return;
      request.pause();
      wake();
    });
    connection.execSql(request);
    try {
      for (;;) {
        if (ended === null && queue.length < PIECE_ROWS) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const { error } = (ended ?? { error: null }) as { error: Error | null };
        signal.throwIfAborted();
        if (error) throw refusal(error);
        const piece = queue;
        queue = [];
        if (piece.length > 0) yield piece;
        if (ended !== null && queue.length === 0) return;
        request.resume();
      }
    } finally {
      if (ended === null) request.cancel();
    }
  }

  async function columnsOf({ text, values }: TableQuery): Promise<TableColumn[]> {
    const columns: TableColumn[] = [];
    const query = `select name, system_type_name from sys.dm_exec_describe_first_result_set(?, null, 0) where is_hidden = 0 order by column_ordinal`;
    const declared = values.map(({ text: given }) => `N'${given.replaceAll("'", "''")}'`);
    const value = { text: withTexts(text, declared), column: NO_COLUMN };
    for await (const rows of run(query, [value])) {
      for (const [name, type] of rows) {
        if (name === null || type === null) {
          throw new DaybookError('E_INPUT', {
            where: 'SQL Server',
            reason: 'the query cannot be described: it must be one select whose columns bear names',
          });
        }
        columns.push({ name, watermark: watermarkOf(type), cast: type });
      }
    }
    return columns;
  }

  return {
    dialect: DIALECT,
    columnsOf,
    async *read(query) {
      const columns = await columnsOf(query);
      yield* run(textsOf(query.text, columns), query.values);
    },
    async nowMs() {
      for await (const [[now]] of run(
        "select convert(varchar(20), datediff_big(millisecond, '1970-01-01', sysutcdatetime()))",
        [],
      )) {
        return Number(now);
      }
      throw new DaybookError('E_UNAVAILABLE', { what: 'SQL Server', reason: 'it tells no time' });
    },
    async close() {
      signal.removeEventListener('abort', hangUp);
      connection.close();
    },
  };
}

type TableRowPiece = (string | null)[][];

const NO_COLUMN: TableColumn = { name: '', watermark: null, cast: '' };

function watermarkOf(type: string): WatermarkKind | null {
  if (/^(?:bigint|int|smallint|tinyint)$/.test(type)) return 'integer';
  if (/^datetimeoffset/.test(type)) return 'instant';
  return /^(?:date|datetime2?|smalldatetime)\b/.test(type) ? 'wall' : null;
}

/** The same rows, each column as text; the order is said outside, where it counts. */
function textsOf(text: string, columns: readonly TableColumn[]): string {
  const order = / order by (?:\[(?:[^\]]|\]\])*\](?:, )?)+$/.exec(text)?.[0] ?? '';
  const texts = columns.map(({ name, cast }) => {
    const quoted = DIALECT.quote(name);
    return `${textExpression(quoted, cast)} as ${quoted}`;
  });
  return `select ${texts.join(', ')} from (${text}) t${order.replace(/(^ order by |, )\[/g, '$1t.[')}`;
}

function textExpression(quoted: string, type: string): string {
  const column = `t.${quoted}`;
  // With a zone: in UTC, and says so.
  if (/^datetimeoffset/.test(type)) return `convert(nvarchar(40), ${column}, 127)`;
  if (/^(?:date|datetime2?|smalldatetime|time)\b/.test(type)) {
    return `convert(nvarchar(40), ${column}, 121)`;
  }
  if (/^(?:float|real)/.test(type)) return `convert(nvarchar(40), ${column}, 3)`;
  if (/^(?:money|smallmoney)/.test(type)) return `convert(nvarchar(40), ${column}, 2)`;
  if (/^(?:binary|varbinary|timestamp|rowversion)/.test(type)) {
    return `convert(nvarchar(max), convert(varbinary(max), ${column}), 2)`;
  }
  return `convert(nvarchar(max), ${column})`;
}

/** `?` as `@p1`, `@p2`, …, outside of quotes. */
function named(text: string): string {
  let count = 0;
  return text.replace(/\[(?:[^\]]|\]\])*\]|'(?:[^']|'')*'|\?/g, (found) =>
    found === '?' ? `@p${++count}` : found,
  );
}

/** The description knows no parameters: it gets their texts. */
function withTexts(text: string, values: readonly string[]): string {
  let at = 0;
  return text.replace(/\[(?:[^\]]|\]\])*\]|'(?:[^']|'')*'|\?/g, (found) =>
    found === '?' ? values[at++] : found,
  );
}

/** Wall times are compared as they were written; an offset is said with minutes. */
function plain({ text, column }: QueryValue): string {
  if (column.watermark !== 'instant') return text;
  return text.replace('T', ' ').replace(/(?:Z|\+00)$/, ' +00:00');
}

function asText(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

function refusal(error: Error & { code?: string; number?: number }): DaybookError {
  if (error.code === 'EREQUEST' && error.number !== undefined) {
    return new DaybookError('E_INPUT', { where: 'SQL Server', reason: error.message }, error);
  }
  return new DaybookError('E_UNAVAILABLE', { what: 'SQL Server', reason: error.message }, error);
}
