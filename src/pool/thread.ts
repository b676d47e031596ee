import { workerData } from 'node:worker_threads';
import { createPartStore } from '../cache/part-store.ts';
import { type PlainError, toPlainError } from '../errors.ts';
import { createLogger } from '../log.ts';
import type { DayResult, DayTask } from '../reports/day-task.ts';
import { produceDay } from '../reports/produce-day.ts';
import { createPostgresSource } from '../sources/postgres/postgres-source.ts';
import { openDatabase } from '../store/database.ts';

/** The entry of a compute thread: one connection, one day at a time. */

export interface ThreadSettings {
  readonly databaseUrl: string;
  readonly home: string;
  readonly logLevel: string;
}

const settings = workerData as ThreadSettings;
const database = openDatabase({
  url: settings.databaseUrl,
  maxConnections: 1,
  applicationName: 'daybook thread',
  log: createLogger({ level: settings.logLevel, role: 'thread' }),
});
const source = createPostgresSource(database);
const parts = createPartStore(settings.home);

/** Errors come as values: what a thread throws would lose its code on the way. */
export type ThreadAnswer =
  | { readonly result: DayResult; readonly error: null }
  | { readonly result: null; readonly error: PlainError };

export default async function work(task: DayTask): Promise<ThreadAnswer> {
  const started = performance.now();
  try {
    const made = await produceDay(task, { source, parts, signal: new AbortController().signal });
    return { result: { ...made, elapsedMs: performance.now() - started }, error: null };
  } catch (thrown) {
    return { result: null, error: toPlainError(thrown) };
  }
}
