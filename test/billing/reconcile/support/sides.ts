import type { LineClass } from '../../../../src/billing/reconcile/classify.ts';
import { LINE_CLASSES } from '../../../../src/billing/reconcile/classify.ts';
import { Parties } from '../../../../src/billing/reconcile/parties.ts';
import {
  type Reconciled,
  reconcile,
  type Tolerances,
} from '../../../../src/billing/reconcile/reconcile.ts';
import { SideBuilder } from '../../../../src/billing/reconcile/side.ts';
import { TextTable } from '../../../../src/billing/reconcile/text-table.ts';
import { formatDecimal, parseDecimal } from '../../../../src/money/decimal.ts';

/** Calls as tests write them. */
export interface Call {
  readonly id?: string;
  readonly caller?: string;
  readonly callee: string;
  /** Seconds after {@link START_MS}. */
  readonly at: number;
  readonly seconds: number;
  readonly amount: string;
}

export const START_MS = Date.UTC(2026, 2, 1);
export const DEFAULTS: Tolerances = { seconds: 5, amount: null };

export function reconcileCalls(
  ours: readonly Call[],
  theirs: readonly Call[],
  tolerances: Tolerances = DEFAULTS,
): Reconciled & { parties: Parties } {
  const ids = new TextTable();
  const parties = new Parties('44');
  const sideOf = (calls: readonly Call[]) => {
    const builder = new SideBuilder();
    calls.forEach((call, index) => {
      const party = (text = '') => parties.read(Buffer.from(text), 0, Buffer.byteLength(text));
      const id = Buffer.from(call.id ?? '');
      builder.add({
        rowNumber: index + 1,
        startedAtMs: START_MS + call.at * 1000,
        billedSeconds: call.seconds,
        amount: parseDecimal(call.amount)!,
        caller: party(call.caller),
        callee: party(call.callee),
        id: id.length === 0 ? -1 : ids.intern(id, 0, id.length),
      });
    });
    return builder.build();
  };
  const found = reconcile({ ours: sideOf(ours), theirs: sideOf(theirs), ids }, tolerances);
  return { ...found, parties };
}

/** The lines of each class as texts, free of row numbers: `ours | theirs | explains`. */
export function linesOf(
  found: ReturnType<typeof reconcileCalls>,
): Partial<Record<LineClass, string[]>> {
  const { ours, theirs, ids, scale, parties } = found;
  const rowText = (side: typeof ours, row: number) =>
    row < 0
      ? '-'
      : [
          side.ids[row] < 0 ? '' : ids.textOf(side.ids[row]),
          parties.textOf(side.callers[row]),
          parties.textOf(side.callees[row]),
          (side.startedAtMs[row] - START_MS) / 1000,
          side.billedSeconds[row],
          formatDecimal({ unscaled: side.amounts[row], scale }, 2),
        ].join(' ');
  const lines: Partial<Record<LineClass, string[]>> = {};
  for (const name of LINE_CLASSES) {
    const { ours: a, theirs: b } = found.classes[name];
    if (a.length === 0) continue;
    lines[name] = Array.from(a, (row, i) => {
      const their = b[i] < 0 ? 0n : theirs.amounts[b[i]];
      const our = row < 0 ? 0n : ours.amounts[row];
      const explains = formatDecimal({ unscaled: their - our, scale }, 2);
      return `${rowText(ours, row)} | ${rowText(theirs, b[i])} | ${explains}`;
    });
  }
  return lines;
}

/** How many lines each class has, those without left out. */
export function countsOf(found: Reconciled): Partial<Record<LineClass, number>> {
  const counts: Partial<Record<LineClass, number>> = {};
  for (const name of LINE_CLASSES) {
    const { length } = found.classes[name].ours;
    if (length > 0) counts[name] = length;
  }
  return counts;
}
