import { assembleText, type TextFormat } from '../reports/assemble-text.ts';
import type { StoredPiece } from '../reports/fragment.ts';
import type { ArtifactWriter } from './artifact.ts';
import { openDayOrder } from './day-order.ts';
import { countingDays, type DetailJob, daysJobOf, specOf } from './detail-job.ts';
import { type MadeDay, makeDays } from './make-days.ts';
import { openAhead } from './read-pieces.ts';
import type { ReportDeps } from './report-job.ts';

/**
 * Writes a text file while its days are still being made: each day's pieces go out as soon as all
 * earlier days are out. The first failure of either side ends the other.
 */
export async function produceText(
  detail: DetailJob,
  format: TextFormat,
  artifact: ArtifactWriter,
  deps: ReportDeps,
): Promise<MadeDay[]> {
  const { job, planned } = detail;
  const { request } = job;
  const spec = specOf(detail);
  const order = openDayOrder(planned.length);
  const stop = new AbortController();
  const signal = AbortSignal.any([job.signal, stop.signal]);

  async function* pieces(): AsyncGenerator<readonly StoredPiece[]> {
    for await (const made of order.inOrder()) yield made.fragment?.pieces ?? [];
  }

  const making = makeDays(
    planned,
    {
      ...daysJobOf(detail),
      signal,
      specOf: () => spec,
      rowsPartOf: () => null,
      onDay: countingDays(detail, (made, index) => order.put(index, made)),
    },
    deps,
  ).catch((error) => {
    order.fail(error);
    throw error;
  });
  const writing = assembleText({
    format,
    columns: spec.columns,
    locale: request.locale,
    headers: request.headers,
    pieces: openAhead(deps.home, pieces()),
    out: (bytes) => artifact.write(bytes),
    cut: artifact.cut,
    signal,
  }).catch((error) => {
    stop.abort(error);
    throw error;
  });
  const [made, written] = await Promise.allSettled([making, writing]);
  // Where one ended the other, both bear the first one's reason.
  if (written.status === 'rejected') throw written.reason;
  if (made.status === 'rejected') throw made.reason;
  return made.value;
}
