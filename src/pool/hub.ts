import { DaybookError, type PlainError, toPlainError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { canonicalJson } from '../reports/canonical-json.ts';
import type { DayResult, DayTask } from '../reports/day-task.ts';
import { chooseNext, type WaitingDay } from './balancer.ts';
import type {
  Channel,
  ClientMessage,
  ComputeMessage,
  HubMessage,
  WorkMessage,
} from './messages.ts';

/**
 * The primary's table of days: who waits for which, what runs where. A day moves
 * waiting → running → answered; when its compute process dies, back to waiting once, then failed.
 * Days that are kept as parts are made once for all who ask (single flight); giving up one waiter
 * spares the others.
 */

/** A day that took this many compute processes with it is not tried again. */
export const ATTEMPTS_PER_DAY = 2;

interface Waiter {
  readonly client: Channel<HubMessage>;
  readonly id: string;
  readonly taskId: string;
}

interface Flight {
  readonly key: string;
  readonly task: DayTask;
  readonly waiting: WaitingDay;
  readonly waiters: Waiter[];
  attempts: number;
  /** Null while it waits. */
  computeId: number | null;
}

interface Compute {
  readonly id: number;
  readonly channel: Channel<WorkMessage>;
  readonly threads: number;
}

export interface Hub {
  fromClient(
    client: Channel<HubMessage>,
    message: ClientMessage & { kind: 'dispatch' | 'cancel' },
  ): void;
  /** All that this client waited for is given up. */
  clientGone(client: Channel<HubMessage>): void;
  fromCompute(computeId: number, channel: Channel<WorkMessage>, message: ComputeMessage): void;
  computeGone(computeId: number, reason: string): void;
  readonly load: () => {
    readonly waiting: number;
    readonly running: number;
    readonly threads: number;
  };
}

export function createHub(deps: { log: Logger; monotonicNow: () => number }): Hub {
  const flights = new Map<string, Flight>();
  const computes = new Map<number, Compute>();

  function dispatch(client: Channel<HubMessage>, id: string, task: DayTask): void {
    const key = flightKey(task);
    const waiter = { client, id, taskId: task.taskId };
    const known = flights.get(key);
    if (known) {
      known.waiters.push(waiter);
      return;
    }
    flights.set(key, {
      key,
      task,
      waiters: [waiter],
      attempts: 0,
      computeId: null,
      waiting: {
        id: key,
        tenantId: task.tenantId,
        runId: task.runId ?? task.taskId,
        workClass: task.workClass,
        expectedRows: task.expectedRows,
        waitingSince: deps.monotonicNow(),
      },
    });
    fillThreads();
  }

  function fillThreads(): void {
    for (;;) {
      const all = [...flights.values()];
      const running = all.filter((flight) => flight.computeId !== null);
      const next = chooseNext(
        all.filter((flight) => flight.computeId === null).map((flight) => flight.waiting),
        running.map((flight) => flight.waiting),
        [...computes.values()].map((compute) => ({
          id: compute.id,
          threads: compute.threads,
          inFlight: running.filter((flight) => flight.computeId === compute.id).length,
        })),
        deps.monotonicNow(),
      );
      if (next === null) return;
      const flight = flights.get(next.day.id) as Flight;
      flight.computeId = next.computeId;
      flight.attempts += 1;
      (computes.get(next.computeId) as Compute).channel.send({ kind: 'work', task: flight.task });
    }
  }

  function answer(flight: Flight, result: DayResult | null, error: PlainError | null): void {
    flights.delete(flight.key);
    for (const { client, id, taskId } of flight.waiters) {
      if (result) client.send({ kind: 'dispatched', id, result: { ...result, taskId } });
      else client.send({ kind: 'refused', id, error: error as PlainError });
    }
  }

  function giveUp(matches: (waiter: Waiter) => boolean): void {
    for (const flight of [...flights.values()]) {
      const left = flight.waiters.filter((waiter) => !matches(waiter));
      if (left.length === flight.waiters.length) continue;
      flight.waiters.splice(0, flight.waiters.length, ...left);
      if (left.length > 0) continue;
      if (flight.computeId === null) flights.delete(flight.key);
      else {
        const compute = computes.get(flight.computeId);
        compute?.channel.send({ kind: 'abort', taskId: flight.task.taskId });
      }
    }
  }

  function flightOf(taskId: string): Flight | undefined {
    for (const flight of flights.values()) if (flight.task.taskId === taskId) return flight;
    return undefined;
  }

  return {
    fromClient(client, message) {
      if (message.kind === 'dispatch') dispatch(client, message.id, message.task);
      else giveUp((waiter) => waiter.client === client && waiter.id === message.id);
    },
    clientGone: (client) => giveUp((waiter) => waiter.client === client),
    fromCompute(computeId, channel, message) {
      if (message.kind === 'ready') {
        computes.set(computeId, { id: computeId, channel, threads: message.threads });
      } else {
        const flight = flightOf(message.taskId);
        if (!flight) return;
        if (message.kind === 'worked') answer(flight, message.result, null);
        else answer(flight, null, message.error);
      }
      fillThreads();
    },
    computeGone(computeId, reason) {
      computes.delete(computeId);
      for (const flight of [...flights.values()]) {
        if (flight.computeId !== computeId) continue;
        flight.computeId = null;
        if (flight.waiters.length === 0) flights.delete(flight.key);
        else if (flight.attempts >= ATTEMPTS_PER_DAY) {
          deps.log.error({ day: flight.task.day.date, reason }, 'a day used up its attempts');
          answer(flight, null, exhausted(flight, reason));
        }
      }
      fillThreads();
    },
    load: () => {
      const running = [...flights.values()].filter((flight) => flight.computeId !== null).length;
      const threads = [...computes.values()].reduce((sum, compute) => sum + compute.threads, 0);
      return { waiting: flights.size - running, running, threads };
    },
  };
}

/** What is kept is the same for all who ask; what is not kept stands in its run's own folder. */
function flightKey(task: DayTask): string {
  if (!task.cacheable) return task.taskId;
  const {
    taskId: _,
    runId: __,
    workClass: ___,
    expectedRows: ____,
    scratchDir: _____,
    ...same
  } = task;
  return canonicalJson(same);
}

function exhausted(flight: Flight, reason: string): PlainError {
  return toPlainError(
    new DaybookError('E_RESOURCE_EXHAUSTED', {
      day: flight.task.day.date,
      attempts: flight.attempts,
      reason,
    }),
  );
}
