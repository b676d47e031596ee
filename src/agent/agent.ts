import { toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { AgentConfig } from './agent-config.ts';
import { openDaybookHttp } from './daybook-http.ts';
import { serverClock } from './ingest-client.ts';
import { Pace } from './pace.ts';
import type { PassResult } from './pass.ts';
import type { Pause } from './sender.ts';
import { openSourceRun, type SourceRun } from './source-run.ts';
import { lockState } from './state-lock.ts';

/** All sources of a configuration; what one of them meets is no concern of the others. */

export interface Agent {
  /** Until the signal; then within seconds, at a safe place. */
  run(signal: AbortSignal): Promise<void>;
  /** One pass over each source, and what came of it. */
  once(signal: AbortSignal): Promise<readonly SourceOutcome[]>;
  close(): void;
}

export interface SourceOutcome extends PassResult {
  readonly source: string;
  /** Batches on disk that Daybook has not accepted. */
  readonly waiting: number;
  /** Null: all went well. */
  readonly error: string | null;
}

/** Must be closed. @throws DaybookError `E_CONFIG` when another agent uses the state; `E_IO` */
export async function openAgent(
  config: AgentConfig,
  deps: {
    readonly log: Logger;
    readonly random?: () => number;
    /** This machine's clock, UTC epoch ms. */
    readonly nowMs?: () => number;
    readonly pause?: Pause;
  },
): Promise<Agent> {
  const unlock = await lockState(config.state);
  const daybook = openDaybookHttp(config.url, config.timeoutMs);
  const shared = {
    ...{ limits: config.limits, state: config.state, daybook, log: deps.log },
    clock: serverClock(deps.nowMs),
    rowPace: new Pace(config.limits.rowsPerSecond),
    bytePace: new Pace(config.limits.bytesPerSecond),
    random: deps.random ?? Math.random,
    pause: deps.pause,
  };
  const close = () => {
    daybook.close();
    unlock();
  };
  const runs: SourceRun[] = [];
  try {
    for (const source of config.sources) runs.push(await openSourceRun(source, shared));
  } catch (error) {
    close();
    throw error;
  }
  return {
    async run(signal) {
      deps.log.info({ sources: runs.map(({ name }) => name) }, 'the agent runs');
      await Promise.all(runs.map((run) => run.run(signal)));
      deps.log.info('the agent has stopped');
    },
    once: (signal) => Promise.all(runs.map((run) => outcomeOf(run, signal))),
    close,
  };
}

async function outcomeOf(run: SourceRun, signal: AbortSignal): Promise<SourceOutcome> {
  try {
    const result = await run.once(signal);
    return { source: run.name, ...result, waiting: run.spool.waiting, error: null };
  } catch (error) {
    const none = { read: 0, taken: 0, refused: 0 };
    const reason = toDaybookError(error).message;
    return { source: run.name, ...none, waiting: run.spool.waiting, error: reason };
  }
}
