import { describe, expect, it } from 'vitest';
import { finishRatio, waitPercentile } from '../../bench/pool-figures.ts';
import { createFewestSoFar, createRoundRobin } from '../../bench/pool-rivals.ts';
import { simulatePool } from '../../bench/pool-simulation.ts';
import { openArrivals, twoPeriods } from '../../bench/pool-workload.ts';
import { median } from '../../bench/row.ts';
import { createBalancer } from '../../src/pool/balancer.ts';

/** Durations are simulated, so that figures of the policy are the same on every machine. */

const THREADS = 4;
const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed);

describe('two periods of 93 days, one day in ten 20 times heavier', () => {
  it('end within 1.05 of the best that is possible, for the median of seeds', () => {
    const ratios = seeds(20).map((seed) =>
      finishRatio(createBalancer(), THREADS, twoPeriods(seed)),
    );
    expect(median(ratios)).toBeLessThanOrEqual(1.05);
  });

  it('leave no thread idle while a day waits, where private queues do', () => {
    for (const seed of seeds(5)) {
      const days = twoPeriods(seed);
      expect(simulatePool(createBalancer(), THREADS, days).idleWhileWaitingMs).toBe(0);
      for (const rival of [createRoundRobin(THREADS), createFewestSoFar(THREADS)]) {
        expect(simulatePool(rival, THREADS, days).idleWhileWaitingMs).toBeGreaterThan(0);
      }
    }
  });
});

describe('days that come at 70 % load', () => {
  it('wait at most 0.35 as long as under fewest so far, at the 95th percentile', () => {
    const ratios = seeds(5).map((seed) => {
      const days = openArrivals(seed, { days: 3_000, threads: THREADS, load: 0.7 });
      const ours = waitPercentile(createBalancer(), THREADS, days, 0.95);
      return ours / waitPercentile(createFewestSoFar(THREADS), THREADS, days, 0.95);
    });
    expect(median(ratios)).toBeLessThanOrEqual(0.35);
  });
});

describe('a small tenant that asks for a day while a large one exports 365', () => {
  it('starts after at most the longest day that runs when it comes', () => {
    for (const seed of seeds(20)) {
      const large = twoPeriods(seed).map((day, index) => ({
        ...day,
        id: `large${index}`,
        tenantId: 'large',
      }));
      const arrival = 40 * seed;
      const small = { ...large[0], id: 'small', tenantId: 'small', runId: 'small', arrival };
      const { starts } = simulatePool(createBalancer(), THREADS, [...large, small]);
      const begun = starts.find((each) => each.day.id === 'small')?.start as number;
      const running = starts.filter(
        (each) => each.start <= arrival && each.start + each.day.durationMs > arrival,
      );
      const longest = Math.max(0, ...running.map((each) => each.day.durationMs));
      expect(begun - arrival).toBeLessThanOrEqual(longest);
    }
  });
});

it('the same days under the same policy always end alike', () => {
  const once = () => simulatePool(createBalancer(), THREADS, twoPeriods(1));
  expect(once()).toEqual(once());
});
