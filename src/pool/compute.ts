import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Logger } from '../log.ts';
import type { DayTask } from '../reports/day-task.ts';
import { DAY_LIMITS, type DayLimits, type DayWatch, LOOK_MS, watchDay } from './day-watch.ts';
import { THREAD_BYTES } from './memory-budget.ts';
import { MEMORY_LOOK_MS, watchMemory } from './memory-watch.ts';
import type { Channel, ComputeMessage, LostDay, WorkMessage } from './messages.ts';
import { createPulse, readPulse, type SharedPulse } from './pulse.ts';
import type { ThreadAnswer, ThreadSettings, ThreadWork } from './thread.ts';

/**
 * A compute process: a pool of threads, each on exactly one day at a time. A thread that hangs, or
 * that takes more memory than the process may hold, is ended under its day.
 */

/** Less than the primary gives this process to end. */
const DRAIN_MS = 4_000;
/** Looks without all threads: Piscina starts no more once one of them failed at its start. */
const INCOMPLETE_LOOKS = 3;
/** A day that was asked to stop has so long to close its connection and files. */
const STOP_MS = 2_000;

export interface ComputeProcess {
  receive(message: WorkMessage): void;
  /** Waits for the days under way, at most 4 s, then ends the threads. */
  close(): Promise<void>;
}

interface DayUnderWay {
  readonly task: DayTask;
  readonly pulse: SharedPulse;
  readonly watch: DayWatch;
  /** Asks the day to stop, and ends its thread when it does not. */
  readonly stop: () => void;
  /** Ends the thread, for a reason that the day is blamed for. */
  readonly end: (why: LostDay) => void;
}

export function startCompute(deps: {
  threads: number;
  settings: ThreadSettings;
  /** What the whole process may hold. */
  memoryBytes: number;
  primary: Channel<ComputeMessage>;
  /** A thread was ended under its day; those that are still there. */
  onThreadEnded: (liveThreads: readonly number[]) => void;
  /** The process is of no more use, for this reason, and is to be replaced. */
  onUseless: (reason: string) => void;
  limits?: DayLimits;
  log: Logger;
}): ComputeProcess {
  const { primary, log, limits = DAY_LIMITS } = deps;
  const pool = new Piscina<ThreadWork, ThreadAnswer>({
    filename: new URL('./thread.js', import.meta.url).href,
    minThreads: deps.threads,
    maxThreads: deps.threads,
    concurrentTasksPerWorker: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    // A thread that waits in Atomics cannot answer its database connection.
    atomics: 'disabled',
    closeTimeout: DRAIN_MS,
    // Some ways of going beyond it end the thread, others the process; both are blamed on the day.
    resourceLimits: { maxOldGenerationSizeMb: mebibytes(THREAD_BYTES) },
    workerData: deps.settings,
  });
  pool.on('error', (error: Error) => log.error({ error: error.message }, 'thread failed'));
  const underWay = new Map<string, DayUnderWay>();
  primary.send({ kind: 'ready', threads: deps.threads });

  async function work(task: DayTask): Promise<void> {
    const { taskId } = task;
    const kill = new AbortController();
    const { port1, port2 } = new MessageChannel();
    const pulse = createPulse();
    let lost: LostDay | null = null;
    let stopping: NodeJS.Timeout | undefined;
    underWay.set(taskId, {
      task,
      pulse,
      watch: watchDay(limits),
      stop() {
        port1.postMessage('stop');
        stopping ??= setTimeout(() => kill.abort(), STOP_MS);
      },
      end(why) {
        log.warn({ day: task.day.date, tenant: task.tenantId, ...why }, 'a thread is ended');
        lost = why;
        kill.abort();
      },
    });
    try {
      const options = { signal: kill.signal, transferList: [port2] };
      const { result, error } = await pool.run({ task, pulse, stop: port2 }, options);
      if (result) primary.send({ kind: 'worked', taskId, result });
      else primary.send({ kind: 'broken', taskId, error });
    } catch (thrown) {
      deps.onThreadEnded(pool.threads.map((thread) => thread.threadId));
      primary.send({ kind: 'lost', taskId, ...(lost ?? endOfThread(thrown)) });
    } finally {
      clearTimeout(stopping);
      port1.close();
      underWay.delete(taskId);
    }
  }

  let incomplete = 0;
  const looking = setInterval(() => {
    const there = pool.threads.length;
    incomplete = there < deps.threads ? incomplete + 1 : 0;
    if (incomplete === INCOMPLETE_LOOKS) {
      deps.onUseless(`${there} of its ${deps.threads} threads are there`);
    }
    for (const { watch, pulse, end } of underWay.values()) {
      const reason = watch.look(readPulse(pulse));
      if (reason !== null) end({ code: 'E_DAY_FAILED', reason });
    }
  }, LOOK_MS);

  const memory = watchMemory(deps.memoryBytes);
  const weighing = setInterval(() => {
    const rssBytes = process.memoryUsage.rss();
    const days = [...underWay].map(([taskId, { pulse }]) => ({ taskId, pulse: readPulse(pulse) }));
    const guilty = memory.look(rssBytes, days);
    if (guilty === null) return;
    const reason = `its process held ${mebibytes(rssBytes)} of ${mebibytes(deps.memoryBytes)} MiB`;
    if (guilty === 'all') deps.onUseless(reason);
    else underWay.get(guilty)?.end({ code: 'E_RESOURCE_EXHAUSTED', reason });
  }, MEMORY_LOOK_MS);

  return {
    receive(message) {
      if (message.kind === 'work') void work(message.task);
      else if (message.kind === 'abort') underWay.get(message.taskId)?.stop();
    },
    async close() {
      clearInterval(looking);
      await pool.close();
      clearInterval(weighing);
    },
  };
}

/** A thread that ended under its day by itself: out of memory, or thrown outside our code. */
function endOfThread(thrown: unknown): LostDay {
  const { code, message } = thrown as { code?: string; message?: string };
  return {
    code: code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'E_RESOURCE_EXHAUSTED' : 'E_DAY_FAILED',
    reason: message ?? String(thrown),
  };
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
