import { DaybookError, type PlainError, toPlainError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { canonicalJson } from '../reports/canonical-json.ts';
import type { DayResult, DayTask } from '../reports/day-task.ts';
import { type ComputeLoad, createBalancer, type WaitingDay } from './balancer.ts';
import type {
  Channel,
  ClientMessage,
  ComputeMessage,
  HubMessage,
  LostDay,
  WorkMessage,
} from './messages.ts';
import { createPace } from './pace.ts';
import {
  afterEnd,
  type DayEnd,
  isGuilty,
  isSuspected,
  type Suspicion,
  UNSUSPECTED,
} from './suspicion.ts';
import { createThreadClock, type ThreadState, type ThreadTime } from './thread-time.ts';

/**
 * The primary's table of days: who waits for which, what runs where. A day moves
 * waiting → running → answered; when its thread or process ends under it, back to waiting as long
 * as `suspicion.ts` allows, then failed.
 * Days that are kept as parts are made once for all who ask (single flight). Giving up one waiter
 * spares the others; a running day that nobody awaits any more is aborted, and who asks for it
 * from then on starts it anew.
 *
 * To the balancer each waiter is a day of its own, in the class, tenant and run that asked: whose
 * turn comes first starts it for all.
 */

interface Waiter {
  readonly client: Channel<HubMessage>;
  readonly id: string;
  readonly task: DayTask;
  readonly flight: Flight;
  /** As the balancer knows it. */
  readonly placeId: string;
}

interface Flight {
  readonly key: string;
  readonly task: DayTask;
  readonly waiters: Set<Waiter>;
  /** The place whose turn it was; null while the day waits. */
  startedAs: string | null;
  suspicion: Suspicion;
  attempts: number;
}

interface Compute {
  readonly id: number;
  readonly channel: Channel<WorkMessage>;
  readonly threads: number;
  /** By task, aborted ones too: their thread is taken until it has said so. */
  readonly running: Map<string, Flight>;
  /** It is there for suspected days alone. */
  readonly isWard: boolean;
}

export interface HubLoad extends ThreadState, ThreadTime {
  /** Rows of the interactive days that wait. */
  readonly interactiveRows: number;
  /** What a thread takes for a row, and for a day; null before the first day. */
  readonly msPerRow: number | null;
  readonly msPerDay: number | null;
}

export interface Hub {
  fromClient(
    client: Channel<HubMessage>,
    message: ClientMessage & { kind: 'dispatch' | 'cancel' },
  ): void;
  /** All that this client waited for is given up. */
  clientGone(client: Channel<HubMessage>): void;
  fromCompute(
    computeId: number,
    channel: Channel<WorkMessage>,
    message: ComputeMessage,
    isWard?: boolean,
  ): void;
  /**
   * Who starts and ends a process for suspected days is told when one is needed. Without a keeper
   * they wait until another process is free.
   */
  keepWard(keeper: (isNeeded: boolean) => void): void;
  /** @param outside it was killed by somebody else, and did not end by itself */
  computeGone(computeId: number, reason: string, outside: boolean): void;
  readonly load: () => HubLoad;
}

export function createHub(deps: { log: Logger; monotonicNow: () => number }): Hub {
  const balancer = createBalancer();
  const clock = createThreadClock(deps.monotonicNow);
  const pace = createPace();
  /** What somebody awaits, by key: waiting days and running ones. */
  const awaited = new Map<string, Flight>();
  const computes = new Map<number, Compute>();
  /** What each client waits for, by the client's own ids. */
  const wishes = new Map<Channel<HubMessage>, Map<string, Waiter>>();
  /** Waiters of days that wait, by their places at the balancer. */
  const places = new Map<string, Waiter>();
  /** Flights that are to run alone. */
  const suspects = new Set<Flight>();
  let wardKeeper: ((isNeeded: boolean) => void) | null = null;
  let isWardNeeded = false;
  let placesGiven = 0;
  let waitingDays = 0;
  let interactiveRows = 0;

  function dispatch(client: Channel<HubMessage>, id: string, task: DayTask): void {
    const flight = flightOf(task);
    const waiter = { client, id, task, flight, placeId: String(placesGiven++) };
    flight.waiters.add(waiter);
    const ofClient = wishes.get(client) ?? new Map<string, Waiter>();
    wishes.set(client, ofClient.set(id, waiter));
    if (flight.startedAs === null) queue(waiter);
    fillThreads();
  }

  /** The flight that makes this day already, or a new one. */
  function flightOf(task: DayTask): Flight {
    const key = flightKey(task);
    const known = awaited.get(key);
    if (known) return known;
    const waiters = new Set<Waiter>();
    const flight = { key, task, waiters, startedAs: null, suspicion: UNSUSPECTED, attempts: 0 };
    awaited.set(key, flight);
    waitingDays += 1;
    return flight;
  }

  function queue(waiter: Waiter): void {
    places.set(waiter.placeId, waiter);
    if (waiter.task.workClass === 'interactive') interactiveRows += waiter.task.expectedRows;
    balancer.add(placeOf(waiter), deps.monotonicNow());
  }

  function unqueue(waiter: Waiter): void {
    if (!places.delete(waiter.placeId)) return;
    if (waiter.task.workClass === 'interactive') interactiveRows -= waiter.task.expectedRows;
    balancer.remove(waiter.placeId);
  }

  function fillThreads(): void {
    if (wardKeeper && isWardNeeded !== suspects.size > 0) {
      isWardNeeded = suspects.size > 0;
      wardKeeper(isWardNeeded);
    }
    while (balancer.waiting > 0) {
      const loads = [...computes.values()].map(loadOf);
      if (isWardNeeded && !loads.some(({ isWard }) => isWard)) loads.push(COMING_WARD);
      const next = balancer.startNext(loads, deps.monotonicNow());
      if (next === null) break;
      const { flight } = places.get(next.day.id) as Waiter;
      const compute = computes.get(next.computeId) as Compute;
      for (const waiter of flight.waiters) unqueue(waiter);
      waitingDays -= 1;
      flight.startedAs = next.day.id;
      flight.attempts += 1;
      compute.running.set(flight.task.taskId, flight);
      compute.channel.send({ kind: 'work', task: flight.task });
    }
    clock.note(threadState());
  }

  /** The thread of a day is free again. */
  function land(flight: Flight): void {
    balancer.end(flight.startedAs as string);
    flight.startedAs = null;
  }

  function answer(flight: Flight, result: DayResult | null, error: PlainError | null): void {
    if (awaited.get(flight.key) === flight) awaited.delete(flight.key);
    suspects.delete(flight);
    for (const { client, id, task } of flight.waiters) {
      wishes.get(client)?.delete(id);
      const { taskId } = task;
      if (result) client.send({ kind: 'dispatched', id, result: { ...result, taskId } });
      else client.send({ kind: 'refused', id, error: error as PlainError });
    }
  }

  function giveUp(client: Channel<HubMessage>, id: string): void {
    const waiter = wishes.get(client)?.get(id);
    if (!waiter) return;
    wishes.get(client)?.delete(id);
    const { flight } = waiter;
    flight.waiters.delete(waiter);
    unqueue(waiter);
    if (flight.waiters.size > 0) return;
    awaited.delete(flight.key);
    suspects.delete(flight);
    if (flight.startedAs === null) {
      waitingDays -= 1;
      return;
    }
    const { taskId } = flight.task;
    for (const { running, channel } of computes.values()) {
      if (running.has(taskId)) channel.send({ kind: 'abort', taskId });
    }
  }

  /** The thread or the process ended under a day: it is tried again, or answered for. */
  function lose(flight: Flight, { code, reason }: LostDay, end: DayEnd): void {
    land(flight);
    if (flight.waiters.size === 0) return;
    flight.suspicion = afterEnd(flight.suspicion, end);
    if (isGuilty(flight.suspicion)) {
      deps.log.error({ day: flight.task.day.date, reason }, 'a day used up its attempts');
      const { task, attempts, suspicion } = flight;
      // What used up memory once, and then only took long over it, is told as what it is.
      const worst = suspicion.crashed > 0 ? 'E_RESOURCE_EXHAUSTED' : code;
      const error = new DaybookError(worst, { day: task.day.date, attempts, reason });
      answer(flight, null, toPlainError(error));
      return;
    }
    if (isSuspected(flight.suspicion)) suspects.add(flight);
    waitingDays += 1;
    for (const waiter of flight.waiters) queue(waiter);
  }

  function threadState(): ThreadState {
    let threads = 0;
    let running = 0;
    for (const compute of computes.values()) {
      if (compute.isWard) continue;
      threads += compute.threads;
      running += compute.running.size;
    }
    return { threads, running, waiting: waitingDays };
  }

  return {
    fromClient(client, message) {
      if (message.kind === 'dispatch') return dispatch(client, message.id, message.task);
      giveUp(client, message.id);
      // A suspected day that is given up no longer keeps a process free.
      fillThreads();
    },
    clientGone(client) {
      for (const id of [...(wishes.get(client)?.keys() ?? [])]) giveUp(client, id);
      wishes.delete(client);
      fillThreads();
    },
    fromCompute(computeId, channel, message, isWard = false) {
      if (message.kind === 'ready') {
        const { threads } = message;
        computes.set(computeId, { id: computeId, channel, threads, running: new Map(), isWard });
      } else {
        const compute = computes.get(computeId);
        const flight = compute?.running.get(message.taskId);
        if (!compute || !flight) return;
        compute.running.delete(message.taskId);
        if (message.kind === 'lost') {
          // What is left of the thread may go on taking memory: the next suspect gets another ward.
          if (compute.isWard) computes.delete(computeId);
          lose(flight, message, message.code === 'E_DAY_FAILED' ? 'hung' : 'crashed');
        } else {
          land(flight);
          if (message.kind === 'broken') answer(flight, null, message.error);
          else {
            pace.note(message.result.rowsPart.rows, message.result.elapsedMs);
            answer(flight, message.result, null);
          }
        }
      }
      fillThreads();
    },
    computeGone(computeId, reason, outside) {
      // What began last is the least suspicious, and is not to wait for the others to fail again.
      const lost = [...(computes.get(computeId)?.running.values() ?? [])].reverse();
      computes.delete(computeId);
      const why = { code: 'E_RESOURCE_EXHAUSTED', reason } as const;
      for (const flight of lost) lose(flight, why, outside ? 'killed' : 'crashed');
      fillThreads();
    },
    keepWard(keeper) {
      wardKeeper = keeper;
    },
    load: () => {
      const state = threadState();
      return { ...state, ...clock.note(state), interactiveRows, ...pace.read() };
    },
  };
}

function placeOf({ placeId, task, flight }: Waiter): WaitingDay {
  const { tenantId, workClass, expectedRows } = task;
  // What no run asked for, such as a summary, is told by its folder.
  const runId = task.runId ?? task.scratchDir;
  const suspected = isSuspected(flight.suspicion);
  return { id: placeId, tenantId, runId, workClass, expectedRows, suspected };
}

function loadOf({ id, threads, running, isWard }: Compute): ComputeLoad {
  const quarantined = [...running.values()].some(({ suspicion }) => isSuspected(suspicion));
  return { id, threads, inFlight: running.size, quarantined, isWard };
}

/** Suspected days wait for it, and keep nobody else's process free. */
const COMING_WARD: ComputeLoad = {
  ...{ id: -1, threads: 0, inFlight: 1, quarantined: false, isWard: true },
};

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
