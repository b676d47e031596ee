import ExcelJS from 'exceljs';
import pg from 'pg';

/** One column of the rival's sheet. Instants come from SQL as local wall times. */
export interface RivalColumn {
  readonly key: string;
  readonly sql: string;
  readonly instant: boolean;
}

const ROWS_PER_FETCH = 10_000;

/**
 * What a careful program would do with ExcelJS: a server-side cursor, its streaming writer, typed
 * cells, no shared strings. Returns the rows written.
 */
export async function exportWithExcelJs(options: {
  databaseUrl: string;
  columns: readonly RivalColumn[];
  from: string;
  out: string;
}): Promise<number> {
  const client = new pg.Client({ connectionString: options.databaseUrl });
  // Wall times as if they were UTC: ExcelJS writes a Date's UTC fields.
  client.setTypeParser(1114, (text) => new Date(`${text.replace(' ', 'T')}Z`));
  client.setTypeParser(20, Number);
  await client.connect();
  try {
    await client.query('begin read only');
    await client.query(
      `declare rows no scroll cursor for select ${options.columns.map((c) => c.sql).join(', ')} ${options.from}`,
    );
    const workbook = new ExcelJS.stream.xlsx.WorkbookWriter({
      filename: options.out,
      useStyles: true,
      useSharedStrings: false,
    });
    const sheet = workbook.addWorksheet('Detail');
    sheet.columns = options.columns.map((column) => ({
      header: column.key,
      width: 18,
      style: column.instant ? { numFmt: 'yyyy-mm-dd hh:mm:ss' } : {},
    }));
    let written = 0;
    for (;;) {
      const { rows } = await client.query<unknown[]>({
        text: `fetch ${ROWS_PER_FETCH} from rows`,
        rowMode: 'array',
      });
      if (rows.length === 0) break;
      for (const row of rows) sheet.addRow(row).commit();
      written += rows.length;
    }
    sheet.commit();
    await workbook.commit();
    await client.query('commit');
    return written;
  } finally {
    await client.end();
  }
}
