import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { createPartStore } from '../../src/cache/part-store.ts';
import { makeFilesFolder } from '../../src/cache/unfinished.ts';
import type { Logger } from '../../src/log.ts';
import type { RunHint } from '../../src/pool/messages.ts';
import type { DayTask } from '../../src/reports/day-task.ts';
import { parseReportRequest, type RawRequest } from '../../src/reports/parse-request.ts';
import type { Dispatcher, RowSource } from '../../src/reports/ports.ts';
import { produceDay } from '../../src/reports/produce-day.ts';
import type { DayMeter } from '../../src/scheduler/make-days.ts';
import { startRunExecutor } from '../../src/scheduler/run-executor.ts';
import { createPostgresSource } from '../../src/sources/postgres/postgres-source.ts';
import type { Database } from '../../src/store/database.ts';
import { type FileRow, findFileOfRun } from '../../src/store/files.ts';
import { findRun, insertRun, isFinal, type RunRow } from '../../src/store/runs.ts';

/** The real run executor over the real store, source and parts; days are made in this thread. */
export interface TestEngine {
  readonly dispatcher: Dispatcher;
  /** Queues a run and waits for its end, which must be good; the bytes are as people get them. */
  export(tenantId: string, raw: RawRequest): Promise<{ bytes: Buffer; file: FileRow; run: RunRow }>;
  /** Waits for a run's end, whatever it is. */
  finished(tenantId: string, runId: string): Promise<RunRow>;
  wake(): void;
  stop(): Promise<void>;
}

export function startEngine(options: {
  database: Database;
  home: string;
  log?: Logger;
  onHint?: (hint: RunHint) => void;
  /** Sees each day that goes to a thread, and whether its rows were read from the source. */
  onDay?: (task: DayTask, extracted: boolean) => void;
  meter?: DayMeter;
  /** Default: our own tables alone. */
  source?: RowSource;
}): TestEngine {
  const { database, home } = options;
  makeFilesFolder(home);
  const source = options.source ?? createPostgresSource(database);
  const parts = createPartStore(home);
  const ends = new Map<string, () => void>();
  const dispatcher: Dispatcher = {
    async dispatch(task, signal) {
      const made = await produceDay(task, { source, parts, signal });
      options.onDay?.(task, made.extracted);
      return { ...made, elapsedMs: 0 };
    },
  };
  const executor = startRunExecutor({
    database,
    source,
    parts,
    dispatcher,
    home,
    ...(options.meter ? { meter: options.meter } : {}),
    log: options.log ?? pino({ level: 'silent' }),
    waitsForSpace: true,
    holder: 'test',
    maxRuns: 4,
    announce: (hint) => {
      options.onHint?.(hint);
      if (isFinal(hint.state)) ends.get(hint.runId)?.();
    },
  });

  async function finished(tenantId: string, runId: string): Promise<RunRow> {
    const ended = new Promise<void>((resolve) => ends.set(runId, resolve));
    executor.wake();
    const look = () => database.asTenant(tenantId, (tx) => findRun(tx, runId));
    const before = await look();
    if (!before || !isFinal(before.state)) await ended;
    ends.delete(runId);
    return (await look()) as RunRow;
  }

  return {
    dispatcher,
    finished,
    wake: () => executor.wake(),
    async export(tenantId, raw) {
      const request = parseReportRequest(raw, { locale: 'en' });
      const queued = await database.asTenant(tenantId, (tx) =>
        insertRun(tx, {
          tenantId,
          request,
          workClass: 'interactive',
          requestedBy: 'test',
          daysTotal: 0,
        }),
      );
      const run = await finished(tenantId, queued.id);
      if (run.state !== 'done') throw new Error(`${run.state}: ${run.errorMessage}`);
      const file = await database.asTenant(tenantId, (tx) => findFileOfRun(tx, run.id));
      if (!file) throw new Error('a run that is done has no file');
      const stored = await readFile(join(home, file.path));
      const bytes = file.coding === 'gzip' ? gunzipSync(stored) : stored;
      return { bytes, file, run };
    },
    stop: () => executor.drain(0),
  };
}
