import { DaybookError, type PlainError, toPlainError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { canonicalJson } from '../reports/canonical-json.ts';
import type { DayResult, DayTask } from '../reports/day-task.ts';
import { type ComputeLoad, chooseNext, moreUrgent, type WaitingDay } from './balancer.ts';
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
 * Days that are kept as parts are made once for all who ask (single flight). Giving up one waiter
 * spares the others; a running day that nobody awaits any more is aborted, and who asks for it
 * from then on starts it anew.
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
  readonly waiters: Set<Waiter>;
  waiting: WaitingDay;
  attempts: number;
}

interface Compute {
  readonly id: number;
  readonly channel: Channel<WorkMessage>;
  readonly threads: number;
  /** By task, aborted ones too: their thread is taken until it has said so. */
  readonly running: Map<string, Flight>;
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
  /** What somebody awaits, by key: waiting days and running ones. */
  const awaited = new Map<string, Flight>();
  const waiting = new Set<Flight>();
  const computes = new Map<number, Compute>();
  /** What each client waits for, by the client's own ids. */
  const wishes = new Map<Channel<HubMessage>, Map<string, { flight: Flight; waiter: Waiter }>>();

  function dispatch(client: Channel<HubMessage>, id: string, task: DayTask): void {
    const flight = flightOf(task);
    const waiter = { client, id, taskId: task.taskId };
    flight.waiters.add(waiter);
    const ofClient = wishes.get(client) ?? new Map();
    wishes.set(client, ofClient.set(id, { flight, waiter }));
    fillThreads();
  }

  /** The flight that makes this day already, at the class of the most urgent who asked; or a new one. */
  function flightOf(task: DayTask): Flight {
    const key = flightKey(task);
    const known = awaited.get(key);
    if (known) {
      const workClass = moreUrgent(known.waiting.workClass, task.workClass);
      known.waiting = { ...known.waiting, workClass };
      return known;
    }
    const { tenantId, workClass, expectedRows } = task;
    const runId = task.runId ?? task.taskId;
    const waitingSince = deps.monotonicNow();
    const flight: Flight = {
      key,
      task,
      waiters: new Set(),
      waiting: {
        id: key,
        tenantId,
        runId,
        workClass,
        expectedRows,
        waitingSince,
        suspected: false,
      },
      attempts: 0,
    };
    awaited.set(key, flight);
    waiting.add(flight);
    return flight;
  }

  function fillThreads(): void {
    while (waiting.size > 0) {
      const loads = [...computes.values()].map(loadOf);
      // Most calls end here: only then is it worth to look at all that wait.
      if (loads.every(({ threads, inFlight }) => inFlight >= threads)) return;
      const next = chooseNext(
        [...waiting].map((flight) => flight.waiting),
        [...computes.values()].flatMap(({ running }) =>
          [...running.values()].map((flight) => flight.waiting),
        ),
        loads,
        deps.monotonicNow(),
      );
      if (next === null) return;
      const flight = awaited.get(next.day.id) as Flight;
      const compute = computes.get(next.computeId) as Compute;
      waiting.delete(flight);
      flight.attempts += 1;
      compute.running.set(flight.task.taskId, flight);
      compute.channel.send({ kind: 'work', task: flight.task });
    }
  }

  function answer(flight: Flight, result: DayResult | null, error: PlainError | null): void {
    if (awaited.get(flight.key) === flight) awaited.delete(flight.key);
    for (const { client, id, taskId } of flight.waiters) {
      wishes.get(client)?.delete(id);
      if (result) client.send({ kind: 'dispatched', id, result: { ...result, taskId } });
      else client.send({ kind: 'refused', id, error: error as PlainError });
    }
  }

  function giveUp(client: Channel<HubMessage>, id: string): void {
    const wish = wishes.get(client)?.get(id);
    if (!wish) return;
    wishes.get(client)?.delete(id);
    const { flight, waiter } = wish;
    flight.waiters.delete(waiter);
    if (flight.waiters.size > 0) return;
    awaited.delete(flight.key);
    if (waiting.delete(flight)) return;
    const { taskId } = flight.task;
    for (const { running, channel } of computes.values()) {
      if (running.has(taskId)) channel.send({ kind: 'abort', taskId });
    }
  }

  return {
    fromClient(client, message) {
      if (message.kind === 'dispatch') dispatch(client, message.id, message.task);
      else giveUp(client, message.id);
    },
    clientGone(client) {
      for (const id of [...(wishes.get(client)?.keys() ?? [])]) giveUp(client, id);
      wishes.delete(client);
    },
    fromCompute(computeId, channel, message) {
      if (message.kind === 'ready') {
        const { threads } = message;
        computes.set(computeId, { id: computeId, channel, threads, running: new Map() });
      } else {
        const running = computes.get(computeId)?.running;
        const flight = running?.get(message.taskId);
        if (!running || !flight) return;
        running.delete(message.taskId);
        if (message.kind === 'worked') answer(flight, message.result, null);
        else answer(flight, null, message.error);
      }
      fillThreads();
    },
    computeGone(computeId, reason) {
      const lost = [...(computes.get(computeId)?.running.values() ?? [])];
      computes.delete(computeId);
      for (const flight of lost) {
        if (flight.waiters.size === 0) continue;
        if (flight.attempts < ATTEMPTS_PER_DAY) {
          flight.waiting = { ...flight.waiting, suspected: true };
          waiting.add(flight);
        } else {
          deps.log.error({ day: flight.task.day.date, reason }, 'a day used up its attempts');
          answer(flight, null, exhausted(flight, reason));
        }
      }
      fillThreads();
    },
    load: () => {
      const loads = [...computes.values()].map(loadOf);
      return {
        waiting: waiting.size,
        running: loads.reduce((sum, { inFlight }) => sum + inFlight, 0),
        threads: loads.reduce((sum, { threads }) => sum + threads, 0),
      };
    },
  };
}

function loadOf({ id, threads, running }: Compute): ComputeLoad {
  const quarantined = [...running.values()].some((flight) => flight.waiting.suspected);
  return { id, threads, inFlight: running.size, quarantined };
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
