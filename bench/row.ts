/** A line of the bench's table: a figure of ours beside a rival's, both of the same run. */
export interface BenchRow {
  readonly figure: string;
  readonly ours: number;
  readonly theirs: number;
  /** ours ÷ theirs. Below 1 we are faster where the unit is a time. */
  readonly ratio: number;
  readonly unit: string;
  /** Who the rival is, and what was measured. */
  readonly note: string;
}

/** What every part of the bench is told. */
export interface BenchOptions {
  /** Smaller data and fewer rounds, for a look and for CI. */
  readonly quick: boolean;
  /** A line about what goes on, for people. */
  readonly say: (text: string) => void;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A row from the rounds of both sides: medians and their ratio. */
export function rowOf(
  figure: string,
  unit: string,
  note: string,
  rounds: readonly { readonly ours: number; readonly theirs: number }[],
): BenchRow {
  const ours = median(rounds.map((round) => round.ours));
  const theirs = median(rounds.map((round) => round.theirs));
  return { figure, ours, theirs, ratio: ours / theirs, unit, note };
}

/** Wall time of some work, in seconds. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** The table as GitHub-flavoured Markdown, readable as it is. */
export function tableOf(rows: readonly BenchRow[]): string {
  const cells = [
    ['figure', 'ours', 'theirs', 'unit', 'ratio', 'note'],
    ...rows.map((row) => [
      row.figure,
      numberText(row.ours),
      numberText(row.theirs),
      row.unit,
      row.ratio.toFixed(2),
      row.note,
    ]),
  ];
  const widths = cells[0].map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  const lines = cells.map((line) => `| ${line.map((c, i) => c.padEnd(widths[i])).join(' | ')} |`);
  lines.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  return lines.join('\n');
}

function numberText(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : value.toPrecision(3);
}
