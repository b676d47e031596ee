import { Piscina } from 'piscina';
import { DaybookError, type PlainError, toPlainError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { DayTask } from '../reports/day-task.ts';
import type { Channel, ComputeMessage, WorkMessage } from './messages.ts';
import type { ThreadAnswer, ThreadSettings } from './thread.ts';

/** A compute process: a pool of threads, each on exactly one day at a time. */

/** Old generation of one thread; what a day needs beyond it ends the day, not the others. */
const THREAD_HEAP_MB = 768;
/** Less than the primary gives this process to end. */
const DRAIN_MS = 4_000;

export interface ComputeProcess {
  receive(message: WorkMessage): void;
  /** Waits for the days under way, at most 4 s, then ends the threads. */
  close(): Promise<void>;
}

export function startCompute(deps: {
  threads: number;
  settings: ThreadSettings;
  primary: Channel<ComputeMessage>;
  /** A thread was ended under its day; those that are still there. */
  onThreadEnded: (liveThreads: readonly number[]) => void;
  log: Logger;
}): ComputeProcess {
  const pool = new Piscina<DayTask, ThreadAnswer>({
    filename: new URL('./thread.js', import.meta.url).href,
    minThreads: deps.threads,
    maxThreads: deps.threads,
    concurrentTasksPerWorker: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    // A thread that waits in Atomics cannot answer its database connection.
    atomics: 'disabled',
    closeTimeout: DRAIN_MS,
    resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
    workerData: deps.settings,
  });
  pool.on('error', (error: Error) => deps.log.error({ error: error.message }, 'thread failed'));
  const underWay = new Map<string, AbortController>();
  deps.primary.send({ kind: 'ready', threads: deps.threads });

  async function work(task: DayTask): Promise<void> {
    const controller = new AbortController();
    underWay.set(task.taskId, controller);
    try {
      const { result, error } = await pool.run(task, { signal: controller.signal });
      if (result) deps.primary.send({ kind: 'worked', taskId: task.taskId, result });
      else deps.primary.send({ kind: 'broken', taskId: task.taskId, error });
    } catch (thrown) {
      deps.onThreadEnded(pool.threads.map((thread) => thread.threadId));
      deps.primary.send({ kind: 'broken', taskId: task.taskId, error: endOfThread(thrown, task) });
    } finally {
      underWay.delete(task.taskId);
    }
  }

  return {
    receive(message) {
      if (message.kind === 'work') void work(message.task);
      else if (message.kind === 'abort') underWay.get(message.taskId)?.abort();
    },
    close: () => pool.close(),
  };
}

/** A thread that ended under its day: out of memory, cut short, or thrown outside our code. */
function endOfThread(thrown: unknown, task: DayTask): PlainError {
  const day = task.day.date;
  const { code, message } = thrown as { code?: string; message?: string };
  const reason = message ?? String(thrown);
  return toPlainError(
    code === 'ERR_WORKER_OUT_OF_MEMORY'
      ? new DaybookError('E_RESOURCE_EXHAUSTED', { day, attempts: 1, reason })
      : new DaybookError('E_DAY_FAILED', { day, reason }),
  );
}
