import type { ReportKind } from '../reports/define-report.ts';
import { detailFold, mergeTotals } from '../reports/fold.ts';
import type { FragmentSpec, StoredPiece } from '../reports/fragment.ts';
import { projectGroups } from '../reports/project.ts';
import { deflatePiece } from '../reports/render/deflate.ts';
import { createRowRenderer } from '../reports/render/row-renderer.ts';
import { planSheets } from '../reports/render/sheet-plan.ts';
import { renderZoneOf } from '../reports/render-zone.ts';
import type { MadeDay } from './make-days.ts';
import { requestCalendar } from './plan-days.ts';
import type { ReportDeps, ReportJob } from './report-job.ts';

/** The lines of a grouped report over its whole period: the days' groups merged, rendered once. */
export async function renderPeriod(
  job: ReportJob,
  kind: ReportKind,
  spec: FragmentSpec,
  days: readonly MadeDay[],
  cellRefs: boolean,
  deps: Pick<ReportDeps, 'parts'>,
): Promise<{ pieces: readonly StoredPiece[]; cellRefs: boolean }> {
  const fold = detailFold(kind, job.request);
  const merged = mergeTotals(
    fold,
    days.map((made) => made.totals[0]),
  );
  const calendar = requestCalendar(job.request, job.tenant);
  const zone = days.at(-1)?.day.zone ?? calendar[calendar.length - 1].zone;
  const chunk = projectGroups(kind, merged, spec.columns, { date: null, zone });
  if (chunk.rows === 0) return { pieces: [], cellRefs };
  const start = days[0].day.start;
  const end = days[days.length - 1].day.end;
  const renderer = createRowRenderer(spec, renderZoneOf({ zone, start, end }));
  const firstRow = cellRefs ? planSheets([chunk.rows])[0].firstRow : null;
  const rendered = renderer.render(chunk, null, firstRow);
  const { piece, data } = deflatePiece(rendered.bytes, chunk.rows);
  const place = { tenantId: job.tenant.id, key: `${job.runId}-period`, scratchDir: job.scratchDir };
  const writer = deps.parts.openFragmentWriter({ place });
  try {
    writer.add(piece, data);
    return { pieces: (await writer.commit()).pieces, cellRefs };
  } catch (error) {
    writer.abort();
    throw error;
  }
}
