/** How many processes, threads and connections fit a machine and a database. Pure. */

export interface Budget {
  readonly apiProcesses: number;
  readonly computeProcesses: number;
  readonly threadsPerCompute: number;
  /** Connections: each thread has one of its own. */
  readonly apiPool: number;
  readonly runnerPool: number;
}

export interface BudgetWishes {
  readonly apiProcesses: number | null;
  readonly computeProcesses: number | null;
  readonly threadsPerCompute: number | null;
}

/** Connections left to others: migrations, commands, people with psql. */
const SPARE_CONNECTIONS = 8;
const THREADS_PER_COMPUTE = 4;

/**
 * Threads: one more than there are cores, because a thread waits while the database reads; fewer
 * where connections are short. What somebody set counts, even where it is too much.
 *
 * @param maxConnections what the database allows us
 */
export function budgetFor(
  cores: number,
  maxConnections: number,
  wishes: BudgetWishes = { apiProcesses: null, computeProcesses: null, threadsPerCompute: null },
): Budget {
  const connections = Math.max(4, maxConnections - SPARE_CONNECTIONS);
  const apiProcesses = wishes.apiProcesses ?? clamp(Math.floor(cores / 2), 1, 4);
  const runnerPool = clamp(Math.floor(connections / 8), 2, 8);
  const apiPool = clamp(Math.floor(connections / 4 / Math.max(1, apiProcesses)), 1, 8);
  const forThreads = Math.max(1, connections - runnerPool - apiPool * apiProcesses);
  const threads = Math.min(cores + 1, forThreads);
  const computeProcesses =
    wishes.computeProcesses ??
    (wishes.threadsPerCompute === null ? Math.ceil(threads / THREADS_PER_COMPUTE) : 1);
  const threadsPerCompute =
    wishes.threadsPerCompute ?? Math.max(1, Math.floor(threads / computeProcesses));
  return { apiProcesses, computeProcesses, threadsPerCompute, apiPool, runnerPool };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
