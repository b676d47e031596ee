import { COLUMNS, type Contest, fromWhere } from './contest.ts';
import { exportWithExcelJs } from './exceljs-rival.ts';
import { type BenchRow, rowOf, secondsOf } from './row.ts';

interface Round {
  readonly cold: number;
  readonly warm: number;
  readonly warmWithRefs: number;
  readonly excelJs: number;
}

/** Workbooks: cold, warm, and warm with cell references, against ExcelJS's streaming writer. */
export async function raceXlsx(
  contest: Contest,
  rounds: number,
  say: (text: string) => void,
): Promise<BenchRow[]> {
  const { tenant, url } = contest;
  const done: Round[] = [];
  for (let number = 1; number <= rounds; number++) {
    await tenant.forgetParts();
    const cold = await contest.seconds({ format: 'xlsx', cell_refs: 'never' }, 'cold.xlsx');
    await tenant.forgetParts();
    await contest.warm({ format: 'xlsx', cell_refs: 'never' });
    const warm = await contest.seconds({ format: 'xlsx', cell_refs: 'never' }, 'warm.xlsx');
    const warmWithRefs = await contest.seconds(
      { format: 'xlsx', cell_refs: 'always' },
      'refs.xlsx',
    );
    await contest.untilQuiet();
    let written = 0;
    const excelJs = await secondsOf(async () => {
      written = await exportWithExcelJs({
        databaseUrl: url,
        columns: COLUMNS,
        from: fromWhere(tenant.tenantId),
        out: contest.fileAt('theirs.xlsx'),
      });
    });
    if (written !== contest.rows) throw new Error(`ExcelJS wrote ${written} rows`);
    done.push({ cold, warm, warmWithRefs, excelJs });
    const figures = [cold, warm, warmWithRefs, excelJs].map((each) => each.toFixed(2));
    say(`.xlsx ${number}/${rounds}: ${figures.join(' ')} s`);
  }
  const against = `ExcelJS streaming writer, cursor; ${contest.rows} rows × 13, 31 days`;
  const row = (figure: string, ours: (round: Round) => number) =>
    rowOf(
      figure,
      's',
      against,
      done.map((round) => ({ ours: ours(round), theirs: round.excelJs })),
    );
  return [
    row('cold .xlsx export', ({ cold }) => cold),
    row('warm .xlsx export', ({ warm }) => warm),
    row('warm .xlsx export with references', ({ warmWithRefs }) => warmWithRefs),
  ];
}
