import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { benchBalancer } from './balancer.ts';
import { benchExport } from './export.ts';
import { benchIngest } from './ingest.ts';
import { benchLoad } from './load.ts';
import { benchMemory } from './memory.ts';
import { benchMirror } from './mirror.ts';
import { benchRating } from './rating.ts';
import { benchReconcile } from './reconcile.ts';
import { benchRender } from './render.ts';
import { type BenchOptions, type BenchRow, tableOf } from './row.ts';
import { benchSchedules } from './schedules.ts';
import { benchSources } from './sources.ts';

/** `npm run bench`: every part of the bench, one table at the end. See README.md beside it. */

const PARTS: Readonly<Record<string, (options: BenchOptions) => Promise<BenchRow[]>>> = {
  export: benchExport,
  memory: benchMemory,
  render: benchRender,
  balancer: benchBalancer,
  reconcile: benchReconcile,
  rating: benchRating,
  ingest: benchIngest,
  mirror: benchMirror,
  schedules: benchSchedules,
  sources: benchSources,
  load: ({ quick }) => benchLoad(quick ? { rows: 100_000, runs: 3 } : { rows: 1_000_000, runs: 5 }),
};

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  },
});
const wanted = values.only ?? Object.keys(PARTS);
const unknown = wanted.find((name) => !(name in PARTS));
if (unknown !== undefined) {
  process.stderr.write(`--only: got ${unknown}; expected ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}

const rows: BenchRow[] = [];
for (const name of wanted) {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  rows.push(...(await PARTS[name]({ quick: values.quick, say })));
}
process.stdout.write(
  values.json
    ? `${JSON.stringify(rows, null, 2)}\n`
    : `\nNode ${process.versions.node}, ${availableParallelism()} cores; medians; ratio = ours ÷ theirs\n\n${tableOf(rows)}\n`,
);
