import { once } from 'node:events';
import type { Writable } from 'node:stream';
import ExcelJS from 'exceljs';

/**
 * Rejects as a file that a person mends and sends back: reject_id and reason first, where there are
 * any a suggestion, then the raw columns. Text only, so that what comes back is what went out.
 */

export const REJECT_ID = 'reject_id';
export const REASON = 'reason';
export const SUGGESTION = 'suggestion';

export interface RejectLine {
  readonly id: string;
  readonly field: string | null;
  readonly reason: string;
  readonly suggestion?: string | null;
  readonly raw: {
    readonly columns: readonly string[];
    readonly values: readonly (string | null)[];
  };
}

const MOST_XLSX_ROWS = 1_048_575;
const LONGEST_CELL = 32_767;

/** Names of the file's columns; values beyond a row's columns stand under `column_<n>`. */
export function rejectHeader(
  columns: readonly string[],
  widest: number,
  hasSuggestions = false,
): string[] {
  const names = [REJECT_ID, REASON, ...(hasSuggestions ? [SUGGESTION] : []), ...columns];
  for (let i = columns.length; i < widest; i++) names.push(`column_${i + 1}`);
  return [...new Set(names)];
}

/** The cells of a line under these names. */
function cellsOf(line: RejectLine, header: readonly string[]): string[] {
  const byName = new Map<string, string>([
    [REJECT_ID, line.id],
    [REASON, line.field === null ? line.reason : `${line.field}: ${line.reason}`],
  ]);
  line.raw.values.forEach((value, i) => {
    byName.set(line.raw.columns[i] ?? `column_${i + 1}`, value ?? '');
  });
  // After them: a column of theirs that bears the name stands under it.
  if (line.suggestion && !line.raw.columns.includes(SUGGESTION)) {
    byName.set(SUGGESTION, line.suggestion);
  }
  return header.map((name) => byName.get(name) ?? '');
}

/** RFC 4180, UTF-8, CRLF; what a spreadsheet would run has a quote before it, see {@link bare}. */
export async function writeRejectsCsv(
  header: readonly string[],
  lines: AsyncIterable<RejectLine>,
  out: Writable,
): Promise<number> {
  let count = 0;
  const write = async (cells: readonly string[]) => {
    if (!out.write(`${cells.map(csvCell).join(',')}\r\n`)) await once(out, 'drain');
  };
  await write(header);
  for await (const line of lines) {
    await write(cellsOf(line, header).map(harmless));
    count++;
  }
  return count;
}

/** One sheet of text cells; more than Excel's rows are left for the next export. */
export async function writeRejectsXlsx(
  header: readonly string[],
  lines: AsyncIterable<RejectLine>,
  out: Writable,
): Promise<number> {
  const book = new ExcelJS.stream.xlsx.WorkbookWriter({ stream: out, useStyles: true });
  const sheet = book.addWorksheet('Rejects', { views: [{ state: 'frozen', ySplit: 1 }] });
  sheet.columns = header.map((name) => ({
    width: name === REASON ? 60 : 20,
    style: { numFmt: '@' },
  }));
  sheet.addRow([...header]).commit();
  let count = 0;
  for await (const line of lines) {
    if (count === MOST_XLSX_ROWS) break;
    sheet.addRow(cellsOf(line, header).map(xlsxText)).commit();
    count++;
  }
  sheet.commit();
  await book.commit();
  return count;
}

const RUNS = /^'*[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d[\d.,]*$/;

/** A quote before what a spreadsheet would run; numbers and phones stay. Undone by {@link bare}. */
export function harmless(text: string): string {
  return RUNS.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}

export function bare(text: string): string {
  return /^'+[=+\-@\t\r]/.test(text) ? text.slice(1) : text;
}

function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What XML cannot hold is written as Excel writes it, `_x0001_`. */
function xlsxText(text: string): string {
  return text
    .slice(0, LONGEST_CELL)
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, '_x005F_')
    .replace(/[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]/g, (character) => {
      const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
      return `_x${code}_`;
    });
}
