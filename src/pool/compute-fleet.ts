import cluster, { type Worker } from 'node:cluster';
import type { Logger } from '../log.ts';
import { endChild, sendToChild } from './child.ts';
import type { Hub } from './hub.ts';
import type { ComputeMessage, WorkMessage } from './messages.ts';
import { watchKills } from './oom-kills.ts';

/**
 * Keeps compute processes alive: one that dies is replaced, and its days go back to the hub. While
 * the hub has suspected days there is one more, the ward, in which they run one at a time.
 */

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** Those who asked for days are gone when this begins. */
const DRAIN_MS = 5_000;
/** A process that lived this long, or made a day, starts its successor without a pause. */
const HEALTHY_MS = 30_000;

export interface ComputeFleet {
  /** Ends every process: after its days, or at once. */
  stop(how: 'drain' | 'kill'): Promise<void>;
}

export function startComputeFleet(deps: {
  hub: Hub;
  processes: number;
  environment: Readonly<Record<string, string>>;
  wardEnvironment: Readonly<Record<string, string>>;
  /** A process has ended, whatever the reason. */
  onEnd: () => void;
  log: Logger;
}): ComputeFleet {
  const workers = new Set<Worker>();
  const timers = new Set<NodeJS.Timeout>();
  let stopping = false;
  let isWardNeeded = false;
  let ward: Worker | null = null;
  const wasKilledFromOutside = watchKills();

  function start(pauseMs: number, isWard = false): void {
    const startedAt = performance.now();
    const worker = cluster.fork(isWard ? deps.wardEnvironment : deps.environment);
    workers.add(worker);
    if (isWard) ward = worker;
    const channel = {
      send(message: WorkMessage) {
        sendToChild(worker, message);
      },
    };
    let madeDays = false;
    worker.on('message', (message: ComputeMessage) => {
      madeDays ||= message.kind === 'worked';
      deps.hub.fromCompute(worker.id, channel, message, isWard);
      if (isWard && message.kind === 'lost') void endChild(worker, 0);
    });
    worker.on('error', (error) => {
      deps.log.error({ reason: error.message }, 'a compute process could not be reached');
    });
    worker.on('exit', (code, signal) => {
      workers.delete(worker);
      deps.onEnd();
      if (worker === ward) ward = null;
      if (stopping || (isWard && !isWardNeeded)) {
        if (!stopping) deps.hub.computeGone(worker.id, 'its days were done', true);
        return;
      }
      const reason = signal ? `killed by ${signal}` : `ended with ${code}`;
      deps.log.error({ computePid: worker.process.pid, reason }, 'a compute process died');
      deps.hub.computeGone(worker.id, reason, wasKilledFromOutside(signal));
      const healthy = madeDays || performance.now() - startedAt > HEALTHY_MS;
      const pause = healthy ? 0 : pauseMs;
      if (isWard && !isWardNeeded) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        if (isWard && (!isWardNeeded || ward)) return;
        start(healthy ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pauseMs * 2), isWard);
      }, pause);
      timers.add(timer);
    });
  }

  deps.hub.keepWard((isNeeded) => {
    isWardNeeded = isNeeded;
    if (stopping) return;
    if (isNeeded && ward === null) start(FIRST_PAUSE_MS, true);
    // Nobody awaits what it may still do.
    if (!isNeeded && ward) void endChild(ward, 0);
  });

  for (let i = 0; i < deps.processes; i++) start(FIRST_PAUSE_MS);

  return {
    async stop(how) {
      stopping = true;
      for (const timer of timers) clearTimeout(timer);
      const graceMs = how === 'drain' ? DRAIN_MS : 0;
      await Promise.all([...workers].map((worker) => endChild(worker, graceMs)));
    },
  };
}
