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

/** Connections left to others: migrations, commands, people with psql; the ward has one of them. */
const SPARE_CONNECTIONS = 8;
/** A process that dies takes the days of its threads with it; each one costs memory of its own. */
const THREADS_PER_COMPUTE = { least: 2, best: 4, most: 6 };

/**
 * Threads: one more than there are cores, because a thread waits while the database reads; fewer
 * where connections are short. What somebody set counts, even where it is too much.
 *
 * @param maxConnections what the database allows us; from 20 on it is never exceeded
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
  return { apiProcesses, ...computeFor(threads, wishes), apiPool, runnerPool };
}

function computeFor(
  threads: number,
  wishes: BudgetWishes,
): Pick<Budget, 'computeProcesses' | 'threadsPerCompute'> {
  if (wishes.computeProcesses !== null) {
    const computeProcesses = wishes.computeProcesses;
    const share = Math.max(1, Math.floor(threads / computeProcesses));
    return { computeProcesses, threadsPerCompute: wishes.threadsPerCompute ?? share };
  }
  const threadsPerCompute = wishes.threadsPerCompute ?? evenThreads(threads);
  const computeProcesses = Math.max(1, Math.floor(threads / threadsPerCompute));
  return { computeProcesses, threadsPerCompute };
}

/** Threads per process with which as few as can be are left over. */
function evenThreads(threads: number): number {
  const { least, best, most } = THREADS_PER_COMPUTE;
  let found = Math.min(threads, best);
  for (let each = least; each <= Math.min(most, threads); each++) {
    const order =
      (threads % each) - (threads % found) || Math.abs(each - best) - Math.abs(found - best);
    if (order < 0) found = each;
  }
  return found;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
