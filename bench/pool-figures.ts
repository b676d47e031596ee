import type { Balancer } from '../src/pool/balancer.ts';
import { type SimulatedDay, simulatePool } from './pool-simulation.ts';

/** What is asked of a policy, from simulated days. */

/** Time to finish ÷ the least that any policy could need: all work shared out evenly, or the longest day. */
export function finishRatio(
  policy: Balancer,
  threads: number,
  days: readonly SimulatedDay[],
): number {
  const durations = days.map((day) => day.durationMs);
  const total = durations.reduce((sum, ms) => sum + ms, 0);
  return simulatePool(policy, threads, days).end / Math.max(total / threads, ...durations);
}

/** The wait from arrival to start that this share of the days does not exceed, ms. */
export function waitPercentile(
  policy: Balancer,
  threads: number,
  days: readonly SimulatedDay[],
  share: number,
): number {
  const waits = simulatePool(policy, threads, days).starts.map(
    ({ day, start }) => start - day.arrival,
  );
  return waits.sort((a, b) => a - b)[Math.ceil(waits.length * share) - 1];
}
