import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { verifyCache } from '../../../src/scheduler/verify-cache.ts';
import { addTestTenant, freshDatabase } from '../../support/database.ts';
import { freshHome } from '../../support/embedded.ts';
import { startEngine } from '../../support/engine.ts';
import { loadCalls } from './rows.ts';

/** Asked for over and over: fragments that are there, and such as have to be rendered from rows. */
const REQUESTS = [
  { format: 'csv', columns: ['external_id', 'caller', 'wait_seconds'], where: ['queue=q1,q3'] },
  { format: 'ndjson' },
  { report: 'queues', grain: 'day', format: 'csv.gz' },
] as const;

interface Flip {
  /** Which part, as a share of all. */
  readonly part: number;
  /** Where in it; parts end with a manifest and a footer. */
  readonly near: 'anywhere' | 'end';
  readonly at: number;
  readonly xor: number;
  readonly request: number;
  /** The fragments are made anew, so that rows parts are read. */
  readonly dropFragments: boolean;
}

/** Evenly from 0 to below 1; by itself fast-check prefers the ends. */
const share = fc.noBias(fc.nat({ max: 999_999 })).map((millionths) => millionths / 1_000_000);
const FLIP: fc.Arbitrary<Flip> = fc.record({
  part: share,
  near: fc.constantFrom('anywhere', 'end'),
  at: share,
  xor: fc.integer({ min: 1, max: 255 }),
  request: fc.nat({ max: REQUESTS.length - 1 }),
  dropFragments: fc.noBias(fc.nat({ max: 3 })).map((one) => one === 0),
});

export interface Flipped {
  readonly flips: number;
  /** By the export that met it: it is not in the index any more. */
  readonly foundByExport: number;
  /** By looking at all parts afterwards. */
  readonly foundByVerify: number;
  readonly servedWrong: number;
}

/** Changes one byte of one part at a time, exports, then looks at all parts. */
export async function flipBytes(count: number, seed: number): Promise<Flipped> {
  const test = await freshDatabase();
  const home = freshHome();
  const acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  await loadCalls(test.database, acme, { days: 2, perDay: 60 });
  const engine = startEngine({ database: test.database, home });
  const period = { from: '2026-03-01', to: '2026-03-02' };
  const exported = async (request: object, cache = true) =>
    (await engine.export(acme.id, { report: 'calls', ...period, ...request, cache } as never))
      .bytes;
  const knownPaths = async () =>
    test.database.asSystem(async (tx) =>
      // By what they are, so that a seed chooses the same parts in every run.
      (
        await tx.query<{ path: string }>(
          'select path from daybook.parts order by kind, local_date, bytes, path',
        )
      ).map((row) => row.path),
    );
  const verify = (repair: boolean) =>
    verifyCache(
      {
        tenantId: undefined,
        repair,
        now: Date.now(),
        signal: new AbortController().signal,
        onPart: () => {},
      },
      { database: test.database, home },
    );
  const result = { flips: 0, foundByExport: 0, foundByVerify: 0, servedWrong: 0 };
  try {
    const right: Buffer[] = [];
    for (const request of REQUESTS) right.push(await exported(request, false));
    let complete = false;
    for (const flip of fc.sample(FLIP, { numRuns: count, seed })) {
      if (!complete) for (const request of REQUESTS) await exported(request);
      complete = !flip.dropFragments;
      const known = await knownPaths();
      const path = known[Math.floor(flip.part * known.length)];
      const bytes = readFileSync(join(home, path));
      const reach = flip.near === 'end' ? Math.min(300, bytes.length) : bytes.length;
      bytes[bytes.length - 1 - Math.floor(flip.at * reach)] ^= flip.xor;
      writeFileSync(join(home, path), bytes);
      if (flip.dropFragments) {
        await test.database.asSystem((tx) =>
          tx.run(`delete from daybook.parts where kind = 'fragment' and path <> $1`, [path]),
        );
      }
      result.flips += 1;
      const served = await exported(REQUESTS[flip.request]);
      if (!served.equals(right[flip.request])) result.servedWrong += 1;
      if ((await knownPaths()).includes(path)) {
        const { bad } = await verify(true);
        if (bad.length === 1 && bad[0].path === path) result.foundByVerify += 1;
      } else {
        result.foundByExport += 1;
      }
    }
    const after = await verify(false);
    if (after.bad.length > 0) throw new Error(`bad parts are left: ${JSON.stringify(after.bad)}`);
    return result;
  } finally {
    await engine.stop();
    await test.drop();
  }
}
