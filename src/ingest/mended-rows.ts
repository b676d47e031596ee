import { DaybookError } from '../errors.ts';
import { NO_MAP } from '../mapping/load-map.ts';
import { Row, type RowReader } from '../mapping/row.ts';
import { datasetOf } from '../reports/dataset.ts';
import type { Bytes } from './byte-source.ts';
import { formatOfName } from './input-format.ts';
import { openRows } from './open-rows.ts';
import { bare, REASON, REJECT_ID } from './reject-file.ts';

/** Rows of rejects on their way back: read from a mended file, or as they were. */

export interface MendedRow {
  readonly rejectId: string;
  /** The number that the row had in its own file. */
  readonly rowNumber: number;
  readonly texts: readonly (string | null)[];
  /** Which of the texts are dates of a workbook. */
  readonly dates: readonly number[];
}

/** What a mended file says of one reject. */
export interface MendedLine {
  readonly rejectId: string;
  readonly byColumn: ReadonlyMap<string, { readonly text: string; readonly isDate: boolean }>;
}

const MOST_LINES = 200_000;

/**
 * Reads a file that was exported and mended, whole.
 * @throws DaybookError `E_INPUT` for a file without reject ids, with one twice or with too many
 */
export async function readMendedFile(bytes: Bytes, name: string): Promise<MendedLine[]> {
  const { reader, format } = await openRows(bytes, {
    name,
    format: formatOfName(name),
    map: NO_MAP,
    dataset: datasetOf('calls'),
  });
  try {
    const columns = reader.columns ?? [];
    const idColumn = columns.indexOf(REJECT_ID);
    if (idColumn < 0) {
      throw new DaybookError('E_INPUT', {
        where: name,
        reason: `there is no column ${REJECT_ID}; expected a file of \`daybook rejects export\``,
      });
    }
    const lines = new Map<string, MendedLine>();
    const take = (row: Row) => {
      const where = `${name}, row ${row.number}`;
      if (row.count !== columns.length || row.problem !== null) {
        const reason = `it has ${row.count} fields; expected ${columns.length}`;
        throw new DaybookError('E_INPUT', { where, reason });
      }
      const textAt = (i: number) => (row.ends[i] < 0 ? '' : row.text(i));
      const rejectId = textAt(idColumn).trim();
      if (!/^[1-9]\d{0,17}$/.test(rejectId) || lines.has(rejectId) || lines.size === MOST_LINES) {
        const reason = lines.has(rejectId)
          ? `reject ${rejectId} stands there twice`
          : lines.size === MOST_LINES
            ? `there are more than ${MOST_LINES} rows`
            : `${JSON.stringify(rejectId)} is no ${REJECT_ID}`;
        throw new DaybookError('E_INPUT', { where, reason });
      }
      const byColumn = new Map<string, { text: string; isDate: boolean }>();
      columns.forEach((column, i) => {
        if (i === idColumn || column === REASON) return;
        const text = format === 'xlsx' ? textAt(i) : bare(textAt(i));
        byColumn.set(column, { text, isDate: row.dateCells?.[i] === 1 });
      });
      lines.set(rejectId, { rejectId, byColumn });
    };
    while (await reader.next(take));
    return [...lines.values()];
  } finally {
    await reader.close();
  }
}

/** The mended line under the columns that its reject came with. */
export function mend(
  line: MendedLine,
  reject: { readonly rowNumber: number; readonly raw: { readonly columns: readonly string[] } },
): MendedRow {
  const { columns } = reject.raw;
  return {
    rejectId: line.rejectId,
    rowNumber: reject.rowNumber,
    texts: columns.map((column) => line.byColumn.get(column)?.text ?? null),
    dates: columns.flatMap((column, i) => (line.byColumn.get(column)?.isDate ? [i] : [])),
  };
}

/** A reader of rows that are in memory. */
export function mendedRows(columns: readonly string[], rows: readonly MendedRow[]): RowReader {
  const row = new Row();
  const dateCells = new Uint8Array(columns.length);
  let at = 0;
  return {
    columns,
    async next(visit) {
      if (at === rows.length) return false;
      const { rejectId, rowNumber, texts, dates } = rows[at++];
      row.setTexts(texts);
      row.number = rowNumber;
      row.rejectId = rejectId;
      row.raw = Buffer.from(texts.map((text) => text ?? '').join('\t'));
      dateCells.fill(0);
      for (const index of dates) dateCells[index] = 1;
      row.dateCells = dateCells;
      visit(row);
      return true;
    },
    close: async () => {},
  };
}
