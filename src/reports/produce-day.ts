import { DaybookError } from '../errors.ts';
import type { Chunk } from './chunk.ts';
import { type Dataset, datasetOf } from './dataset.ts';
import type { DayResult, DayTask, FragmentRef, RowsPartRef } from './day-task.ts';
import { compileFilter } from './filter.ts';
import { createFold } from './fold.ts';
import { fragmentKey, rowsPartKey } from './part-keys.ts';
import type { PartStore, RowSource } from './ports.ts';
import { projectGroups, projectRows } from './project.ts';
import { reportKind } from './registry.ts';
import { deflatePiece } from './render/deflate.ts';
import { createRowRenderer } from './render/row-renderer.ts';
import { renderZoneOf } from './render-zone.ts';
import { type DayTotals, groupedPieceRows, inPieces } from './totals.ts';

export interface ProduceDayDeps {
  readonly source: RowSource;
  readonly parts: PartStore;
  readonly signal: AbortSignal;
}

/**
 * Makes one day of one report: its rows from a part or from the source, then totals and, where
 * wanted, the rendered fragment, all in one pass over the rows. A rows part that turns out to be
 * damaged is made again from the source.
 */
export async function produceDay(
  task: DayTask,
  deps: ProduceDayDeps,
): Promise<Omit<DayResult, 'elapsedMs'>> {
  const dataset = datasetOf(task.dataset);
  if (task.rowsPart) {
    try {
      return await fromPart(task, task.rowsPart, dataset, deps);
    } catch (error) {
      if (!(error instanceof DaybookError) || error.code !== 'E_PART_DAMAGED') throw error;
    }
  }
  return fromSource(task, dataset, deps);
}

async function fromPart(
  task: DayTask,
  rowsPart: RowsPartRef,
  dataset: Dataset,
  deps: ProduceDayDeps,
): Promise<Omit<DayResult, 'elapsedMs'>> {
  const pass = openDayPass(task, task.known, rowsPart.key, deps.parts);
  try {
    for await (const chunk of deps.parts.readRows(rowsPart, dataset)) {
      deps.signal.throwIfAborted();
      pass.add(chunk);
    }
    return { taskId: task.taskId, rowsPart, extracted: false, ...(await pass.finish()) };
  } catch (error) {
    pass.abort();
    throw error;
  }
}

function fromSource(
  task: DayTask,
  dataset: Dataset,
  deps: ProduceDayDeps,
): Promise<Omit<DayResult, 'elapsedMs'>> {
  const { tenantId, day } = task;
  const request = { tenantId, dataset: task.dataset, window: day, signal: deps.signal };
  return deps.source.read(request, async ({ version, chunks }) => {
    const key = rowsPartKey({ tenantId, dataset, window: day, fingerprint: version.fingerprint });
    const writer = deps.parts.openRowsWriter({
      place: { tenantId, key, scratchDir: task.cacheable ? null : task.scratchDir },
      dataset,
      dataAsOf: version.changedAt,
    });
    let pass: DayPass | null = null;
    try {
      pass = openDayPass(task, [], key, deps.parts);
      for await (const chunk of chunks) {
        deps.signal.throwIfAborted();
        writer.add(chunk);
        pass.add(chunk);
      }
      const rowsPart = await writer.commit();
      return { taskId: task.taskId, rowsPart, extracted: true, ...(await pass.finish()) };
    } catch (error) {
      writer.abort();
      pass?.abort();
      throw error;
    }
  });
}

interface DayPass {
  add(chunk: Chunk): void;
  finish(): Promise<{
    totals: readonly (DayTotals | null)[];
    pieceRows: readonly number[];
    fragment: FragmentRef | null;
  }>;
  abort(): void;
}

/** One pass over the chunks of a day: filter, fold what is not known, render. */
function openDayPass(
  task: DayTask,
  known: readonly boolean[],
  rowsKey: string,
  parts: PartStore,
): DayPass {
  const kind = reportKind(task.report);
  const select = compileFilter(datasetOf(task.dataset), task.where, task.day.zone);
  const folds = task.folds.map((spec, index) =>
    known[index] && kind.shape === 'rows' ? null : createFold(spec, task.day),
  );
  const pieceRows: number[] = [];
  const { fragment: spec, day } = task;
  const renderer = spec && createRowRenderer(spec, renderZoneOf(day));
  const writer =
    spec &&
    parts.openFragmentWriter({
      place: {
        tenantId: task.tenantId,
        key: fragmentKey({
          rowsKey,
          zone: day.zone,
          date: day.date,
          report: task.report,
          grain: task.grain,
          where: task.where,
          params: task.params,
          spec,
        }),
        scratchDir: task.cacheable ? null : task.scratchDir,
      },
    });

  function render(chunk: Chunk, selection: Uint32Array | null): void {
    const rows = selection ? selection.length : chunk.rows;
    if (rows === 0) return;
    const firstRow = spec?.firstRows?.[pieceRows.length] ?? null;
    pieceRows.push(rows);
    if (!renderer || !writer) return;
    const { piece, data } = deflatePiece(renderer.render(chunk, selection, firstRow).bytes, rows);
    writer.add(piece, data);
  }

  return {
    add(chunk) {
      const selection = select(chunk);
      for (const fold of folds) fold?.add(chunk, selection);
      if (kind.shape !== 'rows') return;
      render(spec ? projectRows(kind, chunk, spec.columns, day) : chunk, selection);
    },
    async finish() {
      const totals = folds.map((fold) => fold?.totals() ?? null);
      const [detail] = totals;
      if (kind.shape === 'groups' && detail) {
        const at = { date: day.date, zone: day.zone };
        if (!spec || task.grain === 'period') {
          pieceRows.push(...groupedPieceRows(task.grain, detail));
        } else {
          for (const lines of inPieces(detail)) {
            render(projectGroups(kind, lines, spec.columns, at), null);
          }
        }
      }
      return { totals, pieceRows, fragment: writer ? await writer.commit() : null };
    },
    abort: () => writer?.abort(),
  };
}
