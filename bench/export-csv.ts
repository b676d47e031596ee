import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { COLUMNS, type Contest, fromWhere, REQUEST, withoutSource } from './contest.ts';
import { psql, psqlThrough } from './psql.ts';
import { type BenchRow, rowOf, secondsOf } from './row.ts';

/** Other exports of the days that are there: no row is read from the database for them. */
const ANEW: readonly (readonly [string, Record<string, unknown>])[] = [
  ['another column list', { columns: REQUEST.columns.slice(1) }],
  ['a filter', { where: [{ field: 'queue', op: '!=', values: ['returns'] }] }],
  ['another locale', { locale: 'es' }],
];

interface Round {
  readonly cold: number;
  readonly copy: number;
  readonly warmGzip: number;
  readonly copyGzip: number;
  /** For each of {@link ANEW}: that export, and a cold one just before it. */
  readonly anew: readonly { readonly ours: number; readonly theirs: number }[];
}

/** CSV: cold against `psql \copy`, warm .csv.gz against it through `gzip -1`, and rendered anew. */
export async function raceCsv(
  contest: Contest,
  rounds: number,
  say: (text: string) => void,
): Promise<BenchRow[]> {
  const { tenant, url } = contest;
  const theirs = contest.fileAt('theirs.csv');
  const select = `select ${COLUMNS.map((c) => c.sql).join(', ')} ${fromWhere(tenant.tenantId)}`;
  const copyTo = (target: string) =>
    `\\copy (${select.replaceAll('\n', ' ')}) to ${target} with (format csv, header)`;
  const done: Round[] = [];
  for (let number = 1; number <= rounds; number++) {
    await tenant.forgetParts();
    const cold = await contest.seconds({ format: 'csv' }, 'ours.csv');
    await contest.untilQuiet();
    const copy = await secondsOf(() => psql(url, [copyTo(`'${theirs}'`)]));
    if (number === 1) await demandSameLines(contest.fileAt('ours.csv'), theirs, contest.rows + 1);

    await tenant.forgetParts();
    await contest.warm({ format: 'csv' });
    const warmGzip = await contest.seconds({ format: 'csv.gz' }, 'ours.csv.gz');
    await contest.untilQuiet();
    const copyGzip = await secondsOf(() =>
      psqlThrough(url, copyTo('stdout'), 'gzip -1', contest.fileAt('theirs.csv.gz')),
    );
    const anew: { ours: number; theirs: number }[] = [];
    for (const [, request] of ANEW) {
      await tenant.forgetParts();
      const theirs = await contest.seconds({ format: 'csv' }, 'ours.csv');
      const ours = await withoutSource(url, () =>
        contest.seconds({ format: 'csv', ...request }, 'anew.csv'),
      );
      anew.push({ ours, theirs });
    }
    done.push({ cold, copy, warmGzip, copyGzip, anew });
    const pairs = anew.flatMap(({ theirs, ours }) => [theirs, ours]);
    const figures = [cold, copy, warmGzip, copyGzip, ...pairs].map((each) => each.toFixed(2));
    say(`CSV ${number}/${rounds}: ${figures.join(' ')} s`);
  }
  const what = `${contest.rows} rows × 13, 31 days`;
  return [
    rowOf(
      'cold CSV export',
      's',
      `psql \\copy; ${what}; same text, line by line`,
      done.map(({ cold, copy }) => ({ ours: cold, theirs: copy })),
    ),
    rowOf(
      'warm .csv.gz export',
      's',
      `psql \\copy through gzip -1; ${what}`,
      done.map(({ warmGzip, copyGzip }) => ({ ours: warmGzip, theirs: copyGzip })),
    ),
    ...ANEW.map(([name], index) =>
      rowOf(
        `CSV, ${name}`,
        's',
        `our own cold export just before; ${what}; from rows parts, the calls locked away`,
        done.map(({ anew }) => anew[index]),
      ),
    ),
  ];
}

/** Both files say the same, besides their line ends; else the race was of different things. */
async function demandSameLines(ours: string, theirs: string, expected: number): Promise<void> {
  const lines = (path: string) =>
    createInterface({ input: createReadStream(path), crlfDelay: Infinity })[Symbol.asyncIterator]();
  const left = lines(ours);
  const right = lines(theirs);
  for (let line = 1; ; line++) {
    const [a, b] = await Promise.all([left.next(), right.next()]);
    if (a.done && b.done) {
      if (line - 1 === expected) return;
      throw new Error(`the CSV files have ${line - 1} lines, expected ${expected}`);
    }
    if (a.value !== b.value) {
      throw new Error(
        `line ${line} differs: ours ${a.value ?? '(none)'}, psql's ${b.value ?? '(none)'}`,
      );
    }
  }
}
