import type { TableConfig } from '../agent-config.ts';
import { openMysqlTable } from './mysql-table.ts';
import { openPostgresTable } from './postgres-table.ts';
import { openSqlServerTable } from './sqlserver-table.ts';
import type { TableSource } from './table-source.ts';
import { loadTedious } from './tedious.ts';

/** Connects to the database of a source. Must be closed. @throws DaybookError */
export async function openTable(
  { type, url, statementMs }: TableConfig,
  signal: AbortSignal,
): Promise<TableSource> {
  switch (type) {
    case 'postgres':
      return openPostgresTable(url, statementMs, signal);
    case 'mysql':
      return openMysqlTable(url, statementMs, signal);
    case 'sqlserver':
      return openSqlServerTable(await loadTedious(), url, statementMs, signal);
  }
}
