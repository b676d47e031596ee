import type { ReportKind } from '../reports/define-report.ts';
import { detailFold, mergeTotals } from '../reports/fold.ts';
import type { FragmentSpec, StoredPiece } from '../reports/fragment.ts';
import { projectGroups } from '../reports/project.ts';
import { deflatePiece } from '../reports/render/deflate.ts';
import { createRowRenderer } from '../reports/render/row-renderer.ts';
import { planSheets } from '../reports/render/sheet-plan.ts';
import { renderZoneOf } from '../reports/render-zone.ts';
import { inPieces } from '../reports/totals.ts';
import type { MadeDay } from './make-days.ts';
import { requestCalendar } from './plan-days.ts';
import type { ReportDeps, ReportJob } from './report-job.ts';

/** The lines of a grouped report over its whole period: the days' groups merged, rendered once. */
export async function renderPeriod(
  job: ReportJob,
  kind: ReportKind,
  spec: FragmentSpec,
  days: readonly MadeDay[],
  refsFor: (rows: number) => boolean,
  deps: Pick<ReportDeps, 'parts'>,
): Promise<{ pieces: readonly StoredPiece[]; cellRefs: boolean }> {
  const fold = detailFold(kind, job.request);
  const merged = mergeTotals(
    fold,
    days.map((made) => made.totals[0]),
  );
  const calendar = requestCalendar(job.request, job.tenant);
  const zone = days.at(-1)?.day.zone ?? calendar[calendar.length - 1].zone;
  const cellRefs = refsFor(merged.groups.length);
  if (merged.groups.length === 0) return { pieces: [], cellRefs };
  const start = days[0].day.start;
  const end = days[days.length - 1].day.end;
  const renderer = createRowRenderer(spec, renderZoneOf({ zone, start, end }));
  const pieces = [...inPieces(merged)];
  const places = planSheets(pieces.map(({ groups }) => groups.length));
  const place = { tenantId: job.tenant.id, key: `${job.runId}-period`, scratchDir: job.scratchDir };
  const writer = deps.parts.openFragmentWriter({ place });
  try {
    pieces.forEach((lines, index) => {
      const chunk = projectGroups(kind, lines, spec.columns, { date: null, zone });
      const firstRow = cellRefs ? places[index].firstRow : null;
      const { piece, data } = deflatePiece(
        renderer.render(chunk, null, firstRow).bytes,
        chunk.rows,
      );
      writer.add(piece, data);
    });
    return { pieces: (await writer.commit()).pieces, cellRefs };
  } catch (error) {
    writer.abort();
    throw error;
  }
}
