import mysql from 'mysql2';
import { DaybookError } from '../../errors.ts';
import type { WatermarkKind } from '../watermark.ts';
import { type Dialect, PIECE_ROWS, type TableQuery, type TableSource } from './table-source.ts';

/** Numbers of column types: MySQL's protocol, field_types.h. */
const TIMESTAMP = 7;
const TIMES: ReadonlySet<number> = new Set([TIMESTAMP, 10, 12]);
const WATERMARKS: Readonly<Record<number, WatermarkKind>> = {
  1: 'integer',
  2: 'integer',
  3: 'integer',
  8: 'integer',
  9: 'integer',
  10: 'wall',
  12: 'wall',
  [TIMESTAMP]: 'instant',
};
const BINARY_CHARSET = 63;
/** Of types that hold bytes or text: what they hold is bytes when the charset says so. */
const BYTES: ReadonlySet<number> = new Set([249, 250, 251, 252, 253, 254]);
const CONNECT_MS = 15_000;

const DIALECT: Dialect = {
  quote: (name) => `\`${name.replaceAll('`', '``')}\``,
  limited: (select, rows) => `${select} limit ${rows}`,
  placeholder: () => '?',
};

interface FieldPacket {
  readonly name: string;
  readonly columnType: number;
  readonly characterSet: number;
}

/** MySQL and MariaDB. @throws DaybookError `E_UNAVAILABLE` */
export async function openMysqlTable(
  url: string,
  statementMs: number,
  signal: AbortSignal,
): Promise<TableSource> {
  const connection = mysql.createConnection({
    uri: url,
    connectTimeout: CONNECT_MS,
    charset: 'utf8mb4',
    rowsAsArray: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    multipleStatements: false,
    typeCast: (field, _) => textOf(field as unknown as CastField),
  });
  connection.on('error', () => {});
  const hangUp = () => connection.destroy();
  signal.addEventListener('abort', hangUp, { once: true });
  const run = <T>(text: string, values: readonly unknown[] = []) =>
    withDeadline(
      statementMs,
      signal,
      hangUp,
      (resolve: (of: [T, FieldPacket[]]) => void, reject) => {
        connection.query({ sql: text, values: [...values] }, (error, rows, fields) => {
          if (error) reject(error);
          else resolve([rows as T, fields as unknown as FieldPacket[]]);
        });
      },
    );
  try {
    await withDeadline(CONNECT_MS, signal, hangUp, (resolve: (of: undefined) => void, reject) => {
      connection.connect((error) => (error ? reject(error) : resolve(undefined)));
    });
    // TIMESTAMP is shown in the session's zone; DATETIME is what it is.
    await run("set session time_zone = '+00:00'");
    await run('set session transaction read only');
  } catch (error) {
    hangUp();
    throw error;
  }

  async function* pieces({ text, values }: TableQuery) {
    await run('start transaction with consistent snapshot, read only');
    const query = connection.query({ sql: text, values: values.map(literal) });
    let fields: readonly FieldPacket[] = [];
    query.once('fields', (found) => {
      fields = found as unknown as FieldPacket[];
    });
    const late = setTimeout(hangUp, statementMs);
    const stream = query.stream({ highWaterMark: PIECE_ROWS });
    try {
      let piece: (string | null)[][] = [];
      for await (const row of stream) {
        piece.push(withOffsets(row as (string | null)[], fields));
        if (piece.length < PIECE_ROWS) continue;
        yield piece;
        piece = [];
        late.refresh();
      }
      if (piece.length > 0) yield piece;
      signal.throwIfAborted();
      await run('rollback');
    } catch (error) {
      hangUp();
      signal.throwIfAborted();
      throw refusal(error);
    } finally {
      clearTimeout(late);
      if (!stream.readableEnded) hangUp();
    }
  }

  return {
    dialect: DIALECT,
    async columnsOf({ text, values }) {
      const [, fields] = await run(DIALECT.limited(text, 0), values.map(literal));
      return fields.map(({ name, columnType }) => ({
        name,
        watermark: WATERMARKS[columnType] ?? null,
        cast: '',
      }));
    },
    read: pieces,
    async nowMs() {
      const [rows] = await run<string[][]>('select floor(unix_timestamp(now(3)) * 1000)');
      return Number(rows[0][0]);
    },
    async close() {
      signal.removeEventListener('abort', hangUp);
      connection.destroy();
    },
  };
}

interface CastField {
  readonly type: string;
  string(): string | null;
  buffer(): Buffer | null;
}

/** Every value as text; bytes that are no text as hex. */
function textOf(field: CastField): string | null {
  if (field.type === 'BIT') {
    const bytes = field.buffer();
    return bytes === null ? null : String(BigInt(`0x${bytes.toString('hex') || '0'}`));
  }
  return field.string();
}

/** An instant says so; a date that MySQL calls zero is none. */
function withOffsets(row: (string | null)[], fields: readonly FieldPacket[]): (string | null)[] {
  fields.forEach(({ columnType, characterSet }, i) => {
    const value = row[i];
    if (value === null) return;
    if (TIMES.has(columnType)) {
      if (/^\d{4}-00|^\d{4}-\d{2}-00|^0000/.test(value)) row[i] = null;
      else if (columnType === TIMESTAMP) row[i] = `${value}Z`;
    } else if (characterSet === BINARY_CHARSET && BYTES.has(columnType)) {
      row[i] = Buffer.from(value, 'latin1').toString('hex');
    }
  });
  return row;
}

/** Numbers are written as numbers: compared with a text, MySQL would make floats of both. */
function literal({ text, column }: TableQuery['values'][number]): string | bigint {
  if (column.watermark === 'integer' && /^-?\d+$/.test(text)) return BigInt(text);
  return column.watermark === 'instant' ? text.replace(/(?:Z|\+00)$/, '') : text;
}

function withDeadline<T>(
  ms: number,
  signal: AbortSignal,
  hangUp: () => void,
  work: (resolve: (of: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  signal.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    const end = () => {
      clearTimeout(late);
      signal.removeEventListener('abort', aborted);
    };
    const fail = (error: unknown) => {
      end();
      reject(signal.aborted ? signal.reason : refusal(error));
    };
    const aborted = () => fail(signal.reason);
    const late = setTimeout(() => {
      hangUp();
      fail(Object.assign(new Error(`no answer within ${ms / 1000} s`), { code: 'ETIMEDOUT' }));
    }, ms);
    signal.addEventListener('abort', aborted, { once: true });
    work((of) => {
      end();
      resolve(of);
    }, fail);
  });
}

/** Error numbers from 1000 on are the server's own; the rest never reached it. */
function refusal(error: unknown): unknown {
  if (error instanceof DaybookError) return error;
  const { errno, message, code } = error as Error & { errno?: number; code?: string };
  const understood = errno !== undefined && errno >= 1_000 && code?.startsWith('ER_');
  const passes = ['ER_ACCESS_DENIED_ERROR', 'ER_CON_COUNT_ERROR', 'ER_SERVER_SHUTDOWN'];
  if (!understood || passes.includes(code ?? '')) {
    return new DaybookError('E_UNAVAILABLE', { what: 'MySQL', reason: message }, error);
  }
  return new DaybookError('E_INPUT', { where: 'MySQL', reason: message }, error);
}
