import { DaybookError } from '../../errors.ts';

/**
 * How a reconciliation and its lines are dealt with.
 *
 * A line is `open`; somebody disputes it with the carrier, or accepts what it explains, and may
 * change that until the whole is signed off. A reconciliation is `open` until it is signed off,
 * which nobody can while a line is disputed, and is open again when its lock is released.
 */
export const LINE_STATES = ['open', 'disputed', 'accepted'] as const;
export type LineState = (typeof LINE_STATES)[number];

export const RECONCILIATION_STATES = ['open', 'signed_off'] as const;
export type ReconciliationState = (typeof RECONCILIATION_STATES)[number];

export const RECONCILIATION_MOVES = {
  change_line: { from: 'open', to: 'open' },
  sign_off: { from: 'open', to: 'signed_off' },
  unlock: { from: 'signed_off', to: 'open' },
} as const satisfies Record<string, { from: ReconciliationState; to: ReconciliationState }>;
export type ReconciliationMove = keyof typeof RECONCILIATION_MOVES;

/**
 * @param disputed how many of its lines are disputed
 * @returns the state after the move
 * @throws DaybookError `E_CONFLICT` when the state, or a disputed line, forbids it
 */
export function moveReconciliation(
  move: ReconciliationMove,
  from: ReconciliationState,
  disputed: number,
): ReconciliationState {
  const rule = RECONCILIATION_MOVES[move];
  if (rule.from !== from) {
    const reason =
      from === 'signed_off'
        ? 'it is signed off, and its period locked; release that first'
        : 'it is not signed off';
    throw new DaybookError('E_CONFLICT', { where: 'reconciliation', reason });
  }
  if (move === 'sign_off' && disputed > 0) {
    const reason = `${disputed} of its lines are disputed; settle them first`;
    throw new DaybookError('E_CONFLICT', { where: 'reconciliation', reason });
  }
  return rule.to;
}
