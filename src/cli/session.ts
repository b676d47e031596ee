import type { Config } from '../config.ts';
import { createLogger, type Logger } from '../log.ts';
import { type Database, openDatabase } from '../store/database.ts';
import { migrate } from '../store/migrate.ts';
import { withEmbeddedServer } from './embedded-server.ts';

/** The database for the length of one command. */

export interface Session {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly log: Logger;
  /** Versions of the migrations that this session has applied. */
  readonly appliedNow: readonly string[];
}

/**
 * `DATABASE_URL`, or the server that runs in `DAYBOOK_HOME`, or else that home's own server,
 * started for the length of `work`. Applies missing migrations first. Everything that it opened is
 * closed when `work` ends, well or not; a server that others still use keeps running.
 */
export async function withDatabase<T>(
  config: Config,
  work: (session: Session) => Promise<T>,
  options: { readonly maxConnections?: number } = {},
): Promise<T> {
  const log = createLogger({ level: config.logLevel, role: 'cli' });
  if (config.databaseUrl !== null) return withUrl(config.databaseUrl);
  return withEmbeddedServer(config.home, withUrl);

  async function withUrl(databaseUrl: string): Promise<T> {
    const appliedNow = await migrate(databaseUrl, { log });
    const database = openDatabase({
      url: databaseUrl,
      maxConnections: options.maxConnections ?? 4,
      applicationName: 'daybook cli',
      log,
    });
    try {
      return await work({ database, databaseUrl, log, appliedNow });
    } finally {
      await database.close();
    }
  }
}
