import cluster, { type Worker } from 'node:cluster';
import type { Logger } from '../log.ts';
import type { Hub } from './hub.ts';
import type { ComputeMessage, WorkMessage } from './messages.ts';

/** Keeps compute processes alive: one that dies is replaced, and its days go back to the hub. */

/** Its runs have ended by then. A process that does not end is ended. */
const DRAIN_MS = 5_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A process that lived this long starts its successor without a pause. */
const HEALTHY_MS = 30_000;

export interface ComputeFleet {
  /** Ends every process: after its days, or at once. */
  stop(how: 'drain' | 'kill'): Promise<void>;
}

export function startComputeFleet(deps: {
  hub: Hub;
  processes: number;
  environment: Readonly<Record<string, string>>;
  /** A process has ended, whatever the reason. */
  onEnd: () => void;
  log: Logger;
}): ComputeFleet {
  const workers = new Set<Worker>();
  const timers = new Set<NodeJS.Timeout>();
  let stopping = false;

  function start(pauseMs: number): void {
    const startedAt = performance.now();
    const worker = cluster.fork(deps.environment);
    workers.add(worker);
    const channel = {
      send(message: WorkMessage) {
        if (worker.isConnected()) worker.send(message);
      },
    };
    worker.on('message', (message: ComputeMessage) => {
      deps.hub.fromCompute(worker.id, channel, message);
    });
    worker.on('exit', (code, signal) => {
      workers.delete(worker);
      deps.onEnd();
      if (stopping) return;
      const reason = signal ? `killed by ${signal}` : `ended with ${code}`;
      deps.log.error({ computePid: worker.process.pid, reason }, 'a compute process died');
      deps.hub.computeGone(worker.id, reason);
      const healthy = performance.now() - startedAt > HEALTHY_MS;
      const pause = healthy ? 0 : pauseMs;
      const timer = setTimeout(() => {
        timers.delete(timer);
        start(healthy ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pauseMs * 2));
      }, pause);
      timers.add(timer);
    });
  }

  for (let i = 0; i < deps.processes; i++) start(FIRST_PAUSE_MS);

  return {
    async stop(how) {
      stopping = true;
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(
        [...workers].map((worker) => {
          const late = setTimeout(() => worker.process.kill('SIGKILL'), DRAIN_MS);
          const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve())).finally(
            () => clearTimeout(late),
          );
          if (how === 'drain' && worker.isConnected()) {
            worker.send({ kind: 'drain' } satisfies WorkMessage);
          } else worker.process.kill('SIGKILL');
          return gone;
        }),
      );
    },
  };
}
