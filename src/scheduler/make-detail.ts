import { DaybookError } from '../errors.ts';
import { CHUNK_ROWS } from '../reports/chunk.ts';
import type { FragmentSpec, StoredPiece } from '../reports/fragment.ts';
import { planSheets } from '../reports/render/sheet-plan.ts';
import { AUTO_REFS_ROWS } from '../reports/request.ts';
import { countingDays, type DetailJob, daysJobOf, hasLinesByDay, specOf } from './detail-job.ts';
import { type DaysDeps, type MadeDay, makeDays, piecesOf } from './make-days.ts';
import type { PlannedDay } from './plan-days.ts';
import { renderPeriod } from './render-period.ts';
import type { ReportDeps } from './report-job.ts';

export interface Detail {
  readonly days: readonly MadeDay[];
  readonly pieces: readonly StoredPiece[];
  /** The pieces bear cell references. */
  readonly cellRefs: boolean;
}

/**
 * The days and the pieces of the Detail rows. Cell references need the row counts of all earlier
 * days, so days are counted first and rendered then, from their rows parts. One day whose rows are
 * expected in one piece is rendered at once, since it is known where they stand; so is the minimal
 * form where many rows are expected. What turns out otherwise is rendered again.
 */
export async function makeDetail(
  detail: DetailJob,
  deps: DaysDeps & Pick<ReportDeps, 'parts'>,
): Promise<Detail> {
  const { job, kind, planned } = detail;
  const { request, workClass } = job;
  const byDay = hasLinesByDay(detail);
  const spec = specOf(detail);
  const refsWanted = request.format === 'xlsx' && request.cellRefs !== 'never';
  const expected = planned.reduce((sum, plan) => sum + plan.expectedRows, 0);
  const manyExpected =
    request.cellRefs === 'auto' && workClass === 'interactive' && expected > AUTO_REFS_ROWS;
  const refsFor = (rows: number) =>
    refsWanted &&
    (request.cellRefs === 'always' || workClass === 'scheduled' || rows <= AUTO_REFS_ROWS);
  const onePiece =
    kind.shape === 'rows' &&
    planned.length === 1 &&
    expected <= CHUNK_ROWS &&
    refsFor(expected) &&
    withFirstRows(spec, [{ pieceRows: [expected] }])[0];
  const atOnce = onePiece || ((!refsWanted || manyExpected) && byDay ? spec : null);

  const common = daysJobOf(detail);
  const days = await makeDays(
    planned,
    {
      ...common,
      specOf: () => atOnce,
      rowsPartOf: () => null,
      onDay: countingDays(detail),
    },
    deps,
  );
  if (!byDay) return { days, ...(await renderPeriod(job, kind, spec, days, refsFor, deps)) };

  const rows = days.flatMap((made) => made.pieceRows).reduce((sum, count) => sum + count, 0);
  const cellRefs = refsFor(rows);
  const isRight = onePiece ? cellRefs && days[0].pieceRows.length <= 1 : !cellRefs;
  if (atOnce && isRight) return { days, pieces: piecesOf(days), cellRefs };

  const specs = cellRefs ? withFirstRows(spec, days) : days.map(() => spec);
  const rendered = await makeDays(
    planned.map((plan, index) => asCounted(plan, days[index])),
    {
      ...common,
      specOf: (index) => specs[index],
      rowsPartOf: (index) => days[index].rowsPart,
      onDay: () => {},
    },
    deps,
  );
  rendered.forEach((made, index) => {
    demandSameRows(made, days[index]);
  });
  return { days, pieces: piecesOf(rendered), cellRefs };
}

/** The rows may have changed since they were planned; from the count on they are those counted. */
function asCounted(plan: PlannedDay, { rows }: MadeDay): PlannedDay {
  return rows ? { ...plan, rowsKey: rows.key, expectedRows: rows.rows } : plan;
}

/**
 * A rows part that was evicted, or damaged between the two passes, was read from the source again,
 * where other rows may stand by now. @throws DaybookError `E_PART_DAMAGED`
 */
function demandSameRows({ rows }: MadeDay, counted: MadeDay): void {
  if (rows === null || rows.sha256 === counted.rows?.sha256) return;
  const reason = 'the day has other rows now than when it was counted';
  throw new DaybookError('E_PART_DAMAGED', { got: rows.key, reason });
}

function withFirstRows(
  spec: FragmentSpec,
  days: readonly Pick<MadeDay, 'pieceRows'>[],
): FragmentSpec[] {
  const places = planSheets(days.flatMap((made) => made.pieceRows));
  let next = 0;
  return days.map((made) => {
    const firstRows = made.pieceRows.map(() => places[next++].firstRow);
    return { ...spec, firstRows };
  });
}
