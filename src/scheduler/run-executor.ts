import { DaybookError, toDaybookError } from '../errors.ts';
import { shortenRunLeases } from '../store/far-leases.ts';
import { type ClaimedRun, claimRuns, endLeasesOf, renewLeases } from '../store/run-leases.ts';
import { Draining, type ExecuteDeps, executeRun } from './execute-run.ts';
import { createTurns } from './in-turn.ts';

/**
 * Executes runs, interactive and scheduled alike. A run is claimed under a lease with a fencing
 * token; while it is worked on the lease is prolonged; the commit names the token, so a runner
 * that was thought dead writes nothing.
 */

const LEASE_SECONDS = 30;
const HEARTBEAT_MS = 5_000;
/** Woken, it looks whether one is to be cancelled; however often it is woken, once in this time. */
const WOKEN_HEARTBEAT_MS = 1_000;
const SWEEP_MS = 500;
/** Each of them has one day in the making at a time. */
const MAX_PRECACHE_RUNS = 2;

export interface ExecutorDeps extends Omit<ExecuteDeps, 'oneAtATime'> {
  /** Names this process in leases. */
  readonly holder: string;
  /** Holders whose names start so are dead, but for this one: what they held is free at once. */
  readonly deadHolders?: string;
  /** Somebody killed them: no run is to blame for it. */
  readonly deadWereKilled?: boolean;
  /** Runs worked on at once, besides those of class `precache`. */
  readonly maxRuns: number;
  /** Of one tenant and class, so that the others find a place. Default: all. */
  readonly mostOfTenant?: number;
  /** This run and no other. */
  readonly only?: string;
  /** Runs that are claimed already, to begin with. */
  readonly claimed?: readonly ClaimedRun[];
}

export interface RunExecutor {
  /** Looks for runs, and for wishes to cancel, now: somebody waits. */
  wake(): void;
  /** Whether no run is being worked on. */
  isIdle(): boolean;
  /** Claims nothing more, waits up to `graceMs`, then gives the rest back to the queue. */
  drain(graceMs: number): Promise<void>;
}

interface Held {
  readonly run: ClaimedRun;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export function startRunExecutor(deps: ExecutorDeps): RunExecutor {
  const held = new Set<Held>();
  const oneAtATime = createTurns();
  let draining = false;
  let { deadHolders } = deps;
  let looking: Promise<void> | null = null;
  let lookAgain = false;
  let lastHeartbeat = Number.NEGATIVE_INFINITY;
  let isWoken = false;
  let isWaitedFor = false;
  let isSweeping = false;

  function wake(): void {
    isWoken = true;
    isWaitedFor = true;
    tick();
  }

  function sweep(): void {
    isSweeping = true;
    tick();
  }

  function tick(): void {
    if (looking) {
      lookAgain = true;
      return;
    }
    looking = look()
      .catch((error: unknown) => {
        // Whatever it was: the next look begins with the leases.
        lastHeartbeat = Number.NEGATIVE_INFINITY;
        deps.log.warn({ error: toDaybookError(error).message }, 'looking for runs failed');
      })
      .finally(() => {
        looking = null;
        if (!lookAgain) return;
        lookAgain = false;
        tick();
      });
  }

  async function look(): Promise<void> {
    if (deadHolders !== undefined) {
      const killed = deps.deadWereKilled ?? false;
      const holders = { prefix: deadHolders, butFor: deps.holder, killed };
      await deps.database.asSystem((tx) => endLeasesOf(tx, holders));
      deadHolders = undefined;
    }
    const silence = performance.now() - lastHeartbeat;
    if (silence > (isWoken ? WOKEN_HEARTBEAT_MS : HEARTBEAT_MS)) {
      isWoken = false;
      await heartbeat();
    }
    const ahead = [...held].filter(({ run }) => run.workClass === 'precache').length;
    const limit = Math.max(0, deps.maxRuns - (held.size - ahead));
    const precacheLimit = Math.max(0, MAX_PRECACHE_RUNS - ahead);
    if (draining || limit + precacheLimit === 0) return;
    // Some at a time: a claim looks at all that is queued, but those that somebody waits for are few.
    const onlyInteractive = !isSweeping && limit < deps.maxRuns / 4;
    if (onlyInteractive && !isWaitedFor) return;
    isSweeping = false;
    isWaitedFor = false;
    const { holder, only, mostOfTenant } = deps;
    const limits = { limit, precacheLimit, mostOfTenant, leaseSeconds: LEASE_SECONDS };
    const options = { holder, only, onlyInteractive, ...limits };
    const claimed = await deps.database.asSystem((tx) => claimRuns(tx, options), {
      single: true,
      prepared: true,
    });
    for (const run of claimed) take(run);
  }

  function take(run: ClaimedRun): void {
    const abort = new AbortController();
    // Claimed while the last look was on its way.
    if (draining) abort.abort(new Draining());
    const done = executeRun(run, abort.signal, { ...deps, oneAtATime }).finally(() => {
      held.delete(own);
      tick();
    });
    const own = { run, abort, done };
    held.add(own);
  }

  async function heartbeat(): Promise<void> {
    const since = performance.now();
    const runs = [...held];
    const leases = runs.map(({ run }) => run);
    const renewed = await deps.database.asSystem(async (tx) => {
      await shortenRunLeases(tx, LEASE_SECONDS);
      return leases.length === 0 ? [] : renewLeases(tx, leases, LEASE_SECONDS);
    });
    // Only now: until leases are renewed nothing is claimed, or our own might be, for another's.
    lastHeartbeat = since;
    const still = new Map(renewed.map((lease) => [nameOf(lease), lease]));
    for (const one of runs) {
      const { run, abort } = one;
      const lease = still.get(nameOf(run));
      if (!lease) {
        if (held.has(one)) abort.abort(new DaybookError('E_LEASE_LOST', { got: run.id }));
      } else if (lease.cancelRequested) {
        abort.abort(new DaybookError('E_CANCELLED', { what: 'run', got: run.id }));
      }
    }
  }

  for (const run of deps.claimed ?? []) take(run);
  const heart = setInterval(sweep, SWEEP_MS);
  sweep();

  return {
    wake,
    isIdle: () => held.size === 0,
    async drain(graceMs) {
      draining = true;
      clearInterval(heart);
      const beat = setInterval(() => void heartbeat().catch(() => {}), HEARTBEAT_MS);
      const timer = setTimeout(() => {
        for (const { abort } of held) abort.abort(new Draining());
      }, graceMs);
      await looking;
      await Promise.allSettled([...held].map(({ done }) => done));
      clearTimeout(timer);
      clearInterval(beat);
    },
  };
}

/** A run and the lease it is held under. */
function nameOf({ id, leaseToken }: { readonly id: string; readonly leaseToken: string }): string {
  return `${id}/${leaseToken}`;
}
