import fc from 'fast-check';
import { expect } from 'vitest';
import { load } from '../../ingest/support/load.ts';
import { addTestTenant, freshDatabase } from '../../support/database.ts';
import { freshHome } from '../../support/embedded.ts';
import { startEngine } from '../../support/engine.ts';

const HEAD = 'external_id,started_at,ended_at,disposition,wait_seconds';
const ROWS = 5;

/** The same rows of one day, each time all of them with the number of the load. */
const fileOf = (date: string, generation: number) =>
  [
    HEAD,
    ...Array.from(
      { length: ROWS },
      (_, row) => `r${row},${date}T0${row}:00:00Z,${date}T0${row}:00:30Z,answered,${generation}`,
    ),
    // One row more with every load, so that the number of rows moves as well.
    ...Array.from(
      { length: generation },
      (_, row) =>
        `${date}-${row},${date}T1${row}:00:00Z,${date}T1${row}:00:30Z,answered,${generation}`,
    ),
  ].join('\n');

/** Which load a file shows; throws where it shows a mixture. */
function generationOf(bytes: Buffer): number {
  const lines = bytes
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { wait_seconds: number });
  const generations = new Set(lines.map((line) => line.wait_seconds));
  const [generation] = generations;
  if (generations.size !== 1 || lines.length !== ROWS + generation) {
    throw new Error(`no single load: ${bytes.toString()}`);
  }
  return generation;
}

/**
 * Loads and exports of one day at the same time, in ways of chance: each file shows exactly one
 * load, and those after the last load show the last.
 */
export async function interleave(rounds: number): Promise<{ exports: number; caught: number }> {
  const test = await freshDatabase();
  const acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  const engine = startEngine({ database: test.database, home: freshHome() });
  let exports = 0;
  let caught = 0;
  try {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('load', 'export', 'cached export'), {
          minLength: 3,
          maxLength: 8,
        }),
        fc.infiniteStream(fc.nat({ max: 6 })),
        async (steps, pauses) => {
          // Days that begin empty: the external ids move along with their rows.
          const date = new Date(Date.UTC(2020, 0, 1 + number++)).toISOString().slice(0, 10);
          const request = {
            report: 'calls',
            from: date,
            to: date,
            format: 'ndjson',
            headers: 'keys',
          };
          let generation = 0;
          await load(test.database, acme, fileOf(date, generation));
          let loads: Promise<unknown> = Promise.resolve();
          let loaded = 0;
          const seen: Promise<number>[] = [];
          for (const step of steps) {
            if (step === 'load') {
              generation += 1;
              const file = fileOf(date, generation);
              loads = loads
                .then(() => load(test.database, acme, file))
                .then(() => {
                  loaded += 1;
                });
            } else {
              const cache = step === 'cached export';
              const before = loaded;
              exports += 1;
              seen.push(
                engine.export(acme.id, { ...request, cache }).then(({ bytes }) => {
                  const shown = generationOf(bytes);
                  // It saw a load that was not there yet when it was asked for.
                  if (shown > before) caught += 1;
                  return shown;
                }),
              );
            }
            for (let left = pauses.next().value as number; left > 0; left--) {
              await new Promise((resolve) => setImmediate(resolve));
            }
          }
          await loads;
          for (const each of await Promise.all(seen)) {
            expect(each).toBeGreaterThanOrEqual(0);
            expect(each).toBeLessThanOrEqual(generation);
          }
          for (const cache of [true, true, false]) {
            const { bytes } = await engine.export(acme.id, { ...request, cache });
            expect(generationOf(bytes)).toBe(generation);
          }
        },
      ),
      { numRuns: rounds, endOnFailure: true },
    );
    return { exports, caught };
  } finally {
    await engine.stop();
    await test.drop();
  }
}
