import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPoisonedUp, type PoisonedUp, type Shape } from '../faults/support/poisoned-up.ts';
import { openQueuedRuns, type QueuedRuns } from '../faults/support/queued-runs.ts';

/** All shapes of running out of memory, with the exports of another tenant coming all the while. */

const SHORT = process.env.DAYBOOK_LONG === 'short';
const SHAPES: readonly Shape[] = SHORT ? ['buffers'] : ['push', 'map', 'array', 'buffers'];
const ROUNDS = SHORT ? 1 : 5;

let rig: PoisonedUp;
let runs: QueuedRuns;
beforeAll(async () => {
  rig = await openPoisonedUp(['--compute', '1', '--threads', '3']);
  runs = await openQueuedRuns(rig, 'acme');
});
afterAll(async () => {
  await runs.close();
  await rig.close();
});

/** One small export after another until told to stop; how long each took. */
function exportsBeside() {
  let going = true;
  const took: number[] = [];
  const files: Buffer[] = [];
  const exporting = (async () => {
    while (going) {
      const since = performance.now();
      const id = await runs.queue({ report: 'calls', from: '2026-03-01', to: '2026-03-05' });
      await runs.becomes(id, 'done');
      took.push(performance.now() - since);
      files.push(await runs.bytes(id));
    }
  })();
  return {
    async stop() {
      going = false;
      await exporting;
      return { slowestMs: Math.max(...took), files };
    },
  };
}

const talking = () => rig.children().flatMap(({ pid, role }) => (role === 'compute' ? [] : [pid]));

describe('a day that takes all memory', () => {
  it.each(SHAPES)(
    'in the shape of %s fails its own run after two tries; others come all the while',
    async (shape) => {
      const calm = exportsBeside();
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      const { slowestMs: calmMs } = await calm.stop();
      for (let round = 0; round < ROUNDS; round++) {
        const before = talking();
        const beside = exportsBeside();
        const probe = rig.probe();
        expect(await rig.ended(await rig.poison(shape))).toMatchObject({
          state: 'failed',
          error_code: 'E_RESOURCE_EXHAUSTED',
          error_message: expect.stringContaining('a compute process 2 times'),
        });
        const { slowestMs, files } = await beside.stop();
        const delayMs = Math.round(slowestMs - calmMs);
        console.log(
          `${shape}: of ${files.length} exports beside it the slowest ${delayMs} ms later (bar: 10,000)`,
        );
        expect(files.every((file) => file.equals(rig.right))).toBe(true);
        expect(await probe.stop()).toEqual([]);
        expect(talking()).toEqual(before);
      }
    },
  );
});
