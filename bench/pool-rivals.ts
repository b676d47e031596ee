import type { Balancer, ComputeLoad, WaitingDay } from '../src/pool/balancer.ts';

/**
 * Policies that give a day to a thread the moment it comes, to wait in that thread's own queue.
 * They stand beside ours in the bench. Threads are compute processes of one thread, numbered from 0.
 */

/** Threads in turn. */
export function createRoundRobin(threads: number): Balancer {
  let turn = 0;
  return createPrivateQueues(threads, () => turn++ % threads);
}

/** The thread that was given the fewest days since it began, however long they take. */
export function createFewestSoFar(threads: number): Balancer {
  const given: number[] = Array(threads).fill(0);
  return createPrivateQueues(threads, () => {
    const fewest = given.indexOf(Math.min(...given));
    given[fewest] += 1;
    return fewest;
  });
}

function createPrivateQueues(threads: number, threadOf: (day: WaitingDay) => number): Balancer {
  const queues = Array.from({ length: threads }, () => new Map<string, WaitingDay>());
  return {
    get waiting() {
      return queues.reduce((sum, queue) => sum + queue.size, 0);
    },
    add(day) {
      queues[threadOf(day)].set(day.id, day);
    },
    remove: (dayId) => queues.some((queue) => queue.delete(dayId)),
    startNext(computes: readonly ComputeLoad[]) {
      for (const { id, threads: has, inFlight } of computes) {
        const [day] = queues[id].values();
        if (day === undefined || inFlight >= has) continue;
        queues[id].delete(day.id);
        return { day, computeId: id };
      }
      return null;
    },
    end() {},
  };
}
