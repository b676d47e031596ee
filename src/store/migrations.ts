import { readdir, readFile } from 'node:fs/promises';
import type pg from 'pg';
import { DaybookError } from '../errors.ts';

/** The migration files, and how a database stands to them by its ledger. */

const FOLDER = new URL('../../migrations/', import.meta.url);

export interface Migration {
  /** 14 digits; migrations are applied in their order. */
  readonly version: string;
  readonly name: string;
  readonly sql: string;
}

export interface MigrationState {
  readonly version: string;
  readonly name: string;
  /**
   * `changed`: the file is not what was applied. `unknown`: the ledger has it and we have no such
   * file, as when a newer Daybook was here.
   */
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown';
}

/** @throws DaybookError `E_CONFIG` for a file that is not named `<14 digits>_name.sql`. */
export async function readMigrations(): Promise<Migration[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) => {
      const match = /^(\d{14})_([a-z0-9_]+)\.sql$/.exec(file);
      if (!match) {
        throw new DaybookError('E_CONFIG', {
          reason: `migrations/${file}: expected a name like 20260101000000_name.sql`,
        });
      }
      const sql = await readFile(new URL(file, FOLDER), 'utf8');
      return { version: match[1], name: match[2], sql };
    }),
  );
}

/** In order of version. Reads only. */
export async function migrationStates(
  client: Pick<pg.ClientBase, 'query'>,
  files: readonly Migration[],
): Promise<MigrationState[]> {
  const { rows: there } = await client.query<{ there: boolean }>(
    `select to_regclass('supabase_migrations.schema_migrations') is not null as there`,
  );
  const { rows } = there[0].there
    ? await client.query<{ version: string; name: string | null; statements: string[] | null }>(
        'select version, name, statements from supabase_migrations.schema_migrations',
      )
    : { rows: [] };
  const ledger = new Map(rows.map((row) => [row.version, row]));
  const known = files.map(({ version, name, sql }): MigrationState => {
    const row = ledger.get(version);
    if (!row) return { version, name, state: 'pending' };
    const same = row.statements === null || essence(row.statements.join('')) === essence(sql);
    return { version, name, state: same ? 'applied' : 'changed' };
  });
  const versions = new Set(files.map(({ version }) => version));
  const unknown = rows
    .filter(({ version }) => !versions.has(version))
    .map(({ version, name }): MigrationState => ({ version, name: name ?? '', state: 'unknown' }));
  return [...known, ...unknown].sort((a, b) => (a.version < b.version ? -1 : 1));
}

/**
 * `supabase db push` keeps a file cut into statements, without what stands between them; we keep
 * it whole. Both are equal without comments, space and semicolons.
 */
function essence(sql: string): string {
  return sql.replace(/--[^\n]*/g, '').replace(/[\s;]+/g, '');
}
