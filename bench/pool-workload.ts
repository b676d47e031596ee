import { type Random, randomOf } from '../src/demo/random.ts';
import type { SimulatedDay } from './pool-simulation.ts';

/** Days as they come to a pool: mostly ordinary ones, one in ten 20 times heavier. */

const ORDINARY_ROWS = 5_000;
const HEAVY = 20;
/** An ordinary day takes about this long. */
const ORDINARY_MS = 100;

/** Two tenants ask at once for a period of 93 days each. */
export function twoPeriods(seed: number): SimulatedDay[] {
  const random = randomOf(`two periods ${seed}`);
  return ['a', 'b'].flatMap((tenantId) =>
    Array.from({ length: 93 }, (_, index) =>
      dayOf(random, { id: `${tenantId}${index}`, tenantId, runId: tenantId, arrival: 0 }),
    ),
  );
}

/**
 * Days that come one by one, independently, from eight tenants.
 * @param load of all threads, 1 is all that they can do
 */
export function openArrivals(
  seed: number,
  { days, threads, load }: { days: number; threads: number; load: number },
): SimulatedDay[] {
  const random = randomOf(`open arrivals ${seed}`);
  const meanMs = ORDINARY_MS * (0.9 + 0.1 * HEAVY);
  const gapMs = meanMs / threads / load;
  let arrival = 0;
  return Array.from({ length: days }, (_, index) => {
    arrival -= Math.log(1 - random.next()) * gapMs;
    const tenantId = `t${Math.floor(random.next() * 8)}`;
    return dayOf(random, { id: `d${index}`, tenantId, runId: `r${index}`, arrival });
  });
}

/** Rows vary by a half up or down; a day takes as long as its rows, more or less by a tenth. */
function dayOf(
  random: Random,
  of: Pick<SimulatedDay, 'id' | 'tenantId' | 'runId' | 'arrival'>,
): SimulatedDay {
  const size = (random.next() < 0.1 ? HEAVY : 1) * (0.5 + random.next());
  return {
    ...of,
    workClass: 'interactive',
    expectedRows: Math.round(ORDINARY_ROWS * size),
    suspected: false,
    durationMs: ORDINARY_MS * size * (0.9 + 0.2 * random.next()),
  };
}
