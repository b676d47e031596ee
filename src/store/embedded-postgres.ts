/**
 * The embedded Postgres server of a home: real PostgreSQL from npm, for who gives no DATABASE_URL.
 */
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  joinEmbeddedPostgres,
  startEmbeddedPostgres,
} from './embedded/home-server.ts';
export {
  type PostgresEvent,
  type SupervisedPostgres,
  superviseEmbeddedPostgres,
} from './embedded/supervise.ts';
