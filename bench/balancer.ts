import { fileURLToPath } from 'node:url';
import { type Balancer, createBalancer } from '../src/pool/balancer.ts';
import { calendarOf, daysOf } from '../src/time/calendar.ts';
import { finishRatio, waitPercentile } from './pool-figures.ts';
import { createFewestSoFar, createRoundRobin } from './pool-rivals.ts';
import { openArrivals, twoPeriods } from './pool-workload.ts';
import { type BenchOptions, type BenchRow, median, rowOf, tableOf } from './row.ts';

/**
 * The policy of the balancer beside two others, on simulated days: the figures are the same on
 * every machine. And what the primary pays for it, which are not.
 */

const THREADS = 4;
const SEEDS = 200;
const ARRIVALS = { days: 1_000, threads: THREADS, load: 0.7 };
const RUNS = 8;
const DAYS_OF_RUN = 3_650;
const TEN_YEARS = { from: '2016-01-01', to: '2025-12-31' };

export async function benchBalancer({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const seeds = Array.from({ length: quick ? 40 : SEEDS }, (_, seed) => seed);
  say(`balancer: ${seeds.length} seeds under three policies`);
  const finish = (policy: () => Balancer) =>
    seeds.map((seed) => finishRatio(policy(), THREADS, twoPeriods(seed)));
  const wait = (policy: () => Balancer) =>
    seeds.map((seed) => waitPercentile(policy(), THREADS, openArrivals(seed, ARRIVALS), 0.95));
  const ours = { finish: finish(createBalancer), wait: wait(createBalancer) };
  const rounds = (mine: readonly number[], theirs: readonly number[]) =>
    mine.map((value, index) => ({ ours: value, theirs: theirs[index] }));
  const rows: BenchRow[] = [];
  for (const [name, rival] of [
    ['fewest so far', () => createFewestSoFar(THREADS)],
    ['round-robin', () => createRoundRobin(THREADS)],
  ] as const) {
    rows.push(
      rowOf(
        'two periods of 93 days, time to finish',
        '× best',
        `${name}; ${seeds.length} seeds, one day in ten 20 times heavier, ${THREADS} threads`,
        rounds(ours.finish, finish(rival)),
      ),
      rowOf(
        'a day at 70 % load waits, 95th percentile',
        'ms',
        `${name}; ${seeds.length} seeds of ${ARRIVALS.days} days that come one by one`,
        rounds(ours.wait, wait(rival)),
      ),
    );
  }
  rows.push(choiceRow(quick ? 3 : 5), splitRow(quick ? 3 : 7));
  return rows;
}

/** What the primary pays for a choice where much waits. Theirs: where little does. */
function choiceRow(rounds: number): BenchRow {
  const microseconds = (runs: number, days: number) => {
    const balancer = createBalancer();
    for (let run = 0; run < runs; run++) {
      for (let day = 0; day < days; day++) {
        balancer.add(
          {
            id: `${run}/${day}`,
            tenantId: `t${run % 5}`,
            runId: `r${run}`,
            workClass: 'interactive',
            expectedRows: (day * 7_919) % 10_007,
            suspected: false,
          },
          0,
        );
      }
    }
    const choices = 1_000;
    const idle = [{ id: 0, threads: 1, inFlight: 0, quarantined: false }];
    const since = performance.now();
    for (let i = 0; i < choices; i++) {
      const choice = balancer.startNext(idle, i);
      if (choice) balancer.end(choice.day.id);
    }
    return ((performance.now() - since) / choices) * 1_000;
  };
  microseconds(RUNS, DAYS_OF_RUN);
  return rowOf(
    'one choice of the balancer',
    'µs',
    `${RUNS} runs of ${DAYS_OF_RUN} days wait; theirs: 1 run of 1,000`,
    Array.from({ length: rounds }, () => ({
      ours: microseconds(RUNS, DAYS_OF_RUN),
      theirs: microseconds(1, 1_000),
    })),
  );
}

/** The zone that takes longest. Theirs: a zone's first round, which reads its history. */
function splitRow(rounds: number): BenchRow {
  const milliseconds = (zone: string) => {
    const since = performance.now();
    daysOf(calendarOf(zone), TEN_YEARS);
    return performance.now() - since;
  };
  // Compiled by then: the first zones would pay for all.
  for (let i = 0; i < 30; i++) milliseconds('UTC');
  const zones = Intl.supportedValuesOf('timeZone').map((zone) => {
    const first = milliseconds(zone);
    const again = Array.from({ length: rounds }, () => milliseconds(zone));
    return { zone, first, again: median(again), fastest: Math.min(...again) };
  });
  // By its fastest round: a round that was interrupted says nothing about its zone.
  const worst = zones.reduce((a, b) => (b.fastest > a.fastest ? b : a));
  return rowOf(
    'ten years split into days',
    'ms',
    `${worst.zone}, the slowest of ${zones.length} zones; theirs: the median zone's first time in a process`,
    [{ ours: worst.again, theirs: median(zones.map(({ first }) => first)) }],
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const rows = await benchBalancer({ quick: process.argv.includes('--quick'), say });
  process.stdout.write(`${tableOf(rows)}\n`);
}
