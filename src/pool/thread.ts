import { type MessagePort, workerData } from 'node:worker_threads';
import { createTenantSource } from '../bindings/tenant-source.ts';
import { createPartStore } from '../cache/part-store.ts';
import { openInstallationKeys } from '../delivery/installation-secret.ts';
import type { PrivateTargets } from '../delivery/outbound/target.ts';
import { DaybookError, type PlainError, toPlainError } from '../errors.ts';
import { createLogger } from '../log.ts';
import type { Chunk } from '../reports/chunk.ts';
import type { DayResult, DayTask } from '../reports/day-task.ts';
import type { PartStore, RowSource } from '../reports/ports.ts';
import { produceDay } from '../reports/produce-day.ts';
import { openDatabase } from '../store/database.ts';
import { beatPulse, type SharedPulse } from './pulse.ts';

/** The entry of a compute thread: one connection, one day at a time. */

export interface ThreadSettings {
  readonly databaseUrl: string;
  readonly home: string;
  readonly logLevel: string;
  readonly secret: string | null;
  readonly privateTargets: PrivateTargets;
}

export interface ThreadWork {
  readonly task: DayTask;
  readonly pulse: SharedPulse;
  /** A message on it asks the day to stop. */
  readonly stop: MessagePort;
}

const TURN_MS = 100;

const settings = workerData as ThreadSettings;
const database = openDatabase({
  url: settings.databaseUrl,
  maxConnections: 1,
  applicationName: 'daybook thread',
  log: createLogger({ level: settings.logLevel, role: 'thread' }),
});
const source = createTenantSource({
  database,
  openKeys: () => openInstallationKeys(settings.home, settings.secret),
  privateTargets: settings.privateTargets,
});
const parts = createPartStore(settings.home);

/** Errors come as values: what a thread throws would lose its code on the way. */
export type ThreadAnswer =
  | { readonly result: DayResult; readonly error: null }
  | { readonly result: null; readonly error: PlainError };

export default async function work({ task, pulse, stop }: ThreadWork): Promise<ThreadAnswer> {
  const started = performance.now();
  const { turn, step } = beatPulse(pulse);
  turn(heldBytes());
  const turning = setInterval(() => turn(heldBytes()), TURN_MS);
  const controller = new AbortController();
  const { signal } = controller;
  stop.once('message', () => {
    controller.abort(new DaybookError('E_CANCELLED', { what: 'day', got: task.day.date }));
  });
  try {
    const deps = { source: stepping(source, step), parts: readingStepwise(parts, step), signal };
    const made = await produceDay(task, deps);
    return { result: { ...made, elapsedMs: performance.now() - started }, error: null };
  } catch (thrown) {
    return { result: null, error: toPlainError(signal.aborted ? signal.reason : thrown) };
  } finally {
    clearInterval(turning);
    stop.close();
  }
}

/** Of this thread alone; the resident set would be the whole process's. */
function heldBytes(): number {
  const { heapTotal, external } = process.memoryUsage();
  return heapTotal + external;
}

function stepping(source: RowSource, step: () => void): RowSource {
  return {
    ...source,
    read: (request, consume) =>
      source.read(request, ({ version, chunks }) =>
        consume({ version, chunks: counted(chunks, step) }),
      ),
  };
}

function readingStepwise(parts: PartStore, step: () => void): PartStore {
  return { ...parts, readRows: (...of) => counted(parts.readRows(...of), step) };
}

async function* counted(chunks: AsyncIterable<Chunk>, step: () => void): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) {
    step();
    yield chunk;
  }
}
