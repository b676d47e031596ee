import pg from 'pg';
import { until } from './daybook.ts';

/**
 * Holds everything that reads or writes a table still, so that a test can break something in its
 * middle and not by luck.
 */
export interface Standstill {
  /** Resolves when somebody stands in the queue for the table. */
  reached(): Promise<void>;
  /** Lets everything go on. */
  end(): Promise<void>;
}

export async function standstill(url: string, table: 'calls' | 'order_lines'): Promise<Standstill> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  await client.query(`begin; lock table daybook.${table} in access exclusive mode`);
  return {
    reached: async () => {
      const watcher = new pg.Client({ connectionString: url });
      await watcher.connect();
      try {
        await until(async () => {
          const { rows } = await watcher.query(
            `select 1 from pg_locks where not granted and relation = 'daybook.${table}'::regclass`,
          );
          return rows.length > 0 ? true : null;
        }, `somebody waits for ${table}`);
      } finally {
        await watcher.end();
      }
    },
    end: async () => {
      await client.end();
    },
  };
}
