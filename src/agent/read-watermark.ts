import { createHash } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import { LocalClock } from '../mapping/local-clock.ts';
import { Row } from '../mapping/row.ts';
import { datasetOf } from '../reports/dataset.ts';
import type { TableConfig, WatermarkRule } from './agent-config.ts';
import { BatchBuilder, partOf } from './batch-builder.ts';
import { lineMaker } from './line-maker.ts';
import { type PassDeps, type PassResult, roomIn } from './pass.ts';
import type { WatermarkPlace } from './place.ts';
import { allRows, columnNamed, type PageStart, page } from './tables/page-query.ts';
import type { TableColumn, TableRow, TableSource } from './tables/table-source.ts';
import {
  before,
  defaultOverlap,
  later,
  orderOf,
  textOf,
  type WatermarkKind,
  windowStart,
} from './watermark.ts';

/**
 * One pass by watermark: everything from the overlap before the greatest watermark that was met, in
 * pages. Rows that were taken already are known by their digest and left out; rows that were
 * committed late within the overlap, and rows that changed in it, are taken.
 */

/** How long after a moment its rows may still come, unless configured: two hours. */
const SETTLE_MS = 7_200_000;
/** Complete marks are not sent more often. */
const MARK_EVERY_MS = 60_000;

interface Found {
  readonly columns: readonly TableColumn[];
  /** Where watermark and keys stand. */
  readonly order: readonly number[];
  readonly kind: WatermarkKind;
}

export async function readByWatermark(
  source: TableConfig,
  rule: WatermarkRule,
  table: TableSource,
  deps: PassDeps,
): Promise<PassResult> {
  const { spool, limits, pace, signal } = deps;
  const startedMs = await table.nowMs(signal);
  const names = [rule.column, ...rule.key];
  const found = await findColumns(source, names, table, signal);
  const { kind } = found;
  const overlap = rule.overlap ?? defaultOverlap(kind);
  const cap = greatestOf(kind, rule, startedMs);
  const dataset = datasetOf(source.dataset);
  const lines = lineMaker({
    ...{ dataset, map: source.map, fixedCount: true },
    columns: found.columns.map(({ name }) => name),
  });
  const place = spool.readPlace.watermark;
  const seen = new Set(place?.seen ?? []);
  let high = place?.high ?? null;
  let start = firstPage(found, rule, place, overlap);
  const row = new Row();
  let read = 0;
  let taken = 0;

  const batch = new BatchBuilder({ rows: limits.batchRows, bytes: limits.batchBytes });
  let met: string[] = [];
  let position = '';
  const flush = async () => {
    if (batch.rows === 0 || high === null) return;
    await roomIn(spool, signal);
    const count = batch.rows;
    const part = await partOf(batch.take(), {
      ...{ source: source.name, dataset: dataset.name, position },
    });
    const window = windowStart(kind, high, overlap);
    met = met.filter((entry) => window.isBeforeOrAt(entry.slice(0, entry.lastIndexOf('|'))));
    const step = { watermark: { kind, high, overlap, seen: met } };
    await spool.add({ kind: 'rows', position, step, parts: [part] });
    taken += count;
    met = [];
  };

  for (;;) {
    const wanted = limits.batchRows;
    const query = page(source, table.dialect, names, start, wanted);
    let count = 0;
    let last: TableRow | null = null;
    for await (const piece of table.read(query, signal)) {
      for (const values of piece) {
        const watermark = requireOwnPlace(found, names, values, last);
        row.setTexts(values);
        const line = lines.lineOf(row);
        const entry = `${watermark}|${digestOf(line)}`;
        last = values;
        count++;
        if (seen.has(entry)) continue;
        if (batch.isFullFor(line)) await flush();
        met.push(entry);
        batch.add(line);
        high = later(kind, high, lowerOf(kind, watermark, cap));
        position = `${rule.column} ${watermark}`;
      }
      await pace.pass(piece.length, signal);
    }
    read += count;
    await flush();
    if (last === null || count < wanted) break;
    start = pageBehind(found, names, last, start);
  }
  await markComplete(rule, startedMs, deps);
  return { read, taken, refused: lines.refused };
}

async function findColumns(
  source: TableConfig,
  names: readonly string[],
  table: TableSource,
  signal: AbortSignal,
): Promise<Found> {
  const columns = await table.columnsOf(allRows(source, table.dialect), signal);
  const order = names.map((name) => {
    const index = columnNamed(columns, name);
    if (index >= 0) return index;
    throw new DaybookError('E_INPUT', {
      where: source.name,
      reason: `there is no column ${name} among ${columns.map((column) => column.name).join(', ')}`,
    });
  });
  const kind = columns[order[0]].watermark;
  if (kind !== null) return { columns, order, kind };
  throw new DaybookError('E_INPUT', {
    where: source.name,
    reason: `the column ${names[0]} is neither a whole number nor a date and time, so it is no watermark`,
  });
}

function firstPage(
  { columns, order, kind }: Found,
  rule: WatermarkRule,
  place: WatermarkPlace | null,
  overlap: number,
): PageStart | null {
  const column = columns[order[0]];
  if (place !== null) {
    const text = textOf(kind, before(kind, orderOf(kind, place.high), overlap));
    return { from: { text, column }, behind: null };
  }
  return rule.start === null ? null : { from: { text: rule.start, column }, behind: null };
}

/** @throws DaybookError `E_INPUT` where key and watermark do not tell rows apart */
function pageBehind(
  { columns, order }: Found,
  names: readonly string[],
  last: TableRow,
  previous: PageStart | null,
): PageStart {
  const behind = order.map((index, i) => ({
    text: valueAt(last, index, names[i]),
    column: columns[index],
  }));
  const moved = previous?.behind?.some(({ text }, i) => text !== behind[i].text) ?? true;
  if (moved) return { from: behind[0], behind };
  throw notUnique(names);
}

function valueAt(values: TableRow, index: number, name: string): string {
  const value = values[index];
  if (value !== null) return value;
  throw new DaybookError('E_INPUT', {
    where: name,
    reason: 'it is null in a row, or a date that is none; watermark and key must have values',
  });
}

/**
 * The row's watermark, when watermark and key tell it from the row before it.
 * @throws DaybookError `E_INPUT`
 */
function requireOwnPlace(
  { order }: Found,
  names: readonly string[],
  values: TableRow,
  last: TableRow | null,
): string {
  let isSame = last !== null;
  for (let i = 0; i < order.length; i++) {
    const value = valueAt(values, order[i], names[i]);
    isSame &&= value === last?.[order[i]];
  }
  if (!isSame) return values[order[0]] as string;
  throw notUnique(names);
}

function notUnique(names: readonly string[]): DaybookError {
  return new DaybookError('E_INPUT', {
    where: names.join(', '),
    reason: 'two rows have the same values there; watermark and key must be unique together',
  });
}

/**
 * A row from the future must not carry the watermark there: all that comes until then would be
 * missed. It is sent, and met again until its time has come.
 */
function greatestOf(kind: WatermarkKind, rule: WatermarkRule, nowMs: number): bigint | null {
  if (kind === 'integer') return null;
  if (kind === 'instant') return BigInt(nowMs) * 1_000_000n;
  if (rule.zone === null) {
    throw new DaybookError('E_INPUT', {
      where: rule.column,
      reason: 'it is a time without a zone; expected watermark.zone, or a map with a zone',
    });
  }
  return BigInt(new LocalClock(rule.zone).wallOf(nowMs)) * 1_000_000n;
}

function lowerOf(kind: WatermarkKind, watermark: string, cap: bigint | null): string {
  return cap !== null && orderOf(kind, watermark) > cap ? textOf(kind, cap) : watermark;
}

async function markComplete(
  rule: WatermarkRule,
  startedMs: number,
  { spool }: PassDeps,
): Promise<void> {
  if (!rule.completeThrough) return;
  const through = startedMs - (rule.settleMs ?? SETTLE_MS);
  const last = spool.readPlace.completeThrough ?? Number.NEGATIVE_INFINITY;
  // Offline, one that waits is enough: the pass after it brings the next.
  if (through < last + MARK_EVERY_MS || spool.last === 'complete') return;
  await spool.add({
    kind: 'complete',
    position: new Date(through).toISOString(),
    step: { completeThrough: through },
    parts: [{ id: '', bytes: Buffer.alloc(0), rows: 0 }],
  });
}

/** 96 bits: among a million rows of a window two share one by chance once in 10^17. */
function digestOf(line: Buffer): string {
  return createHash('sha256').update(line).digest('base64url').slice(0, 16);
}
