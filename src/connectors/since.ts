import { DaybookError } from '../errors.ts';
import { parseInstant } from '../mapping/iso-time.ts';
import { textAt } from './answer-rows.ts';
import type { ConnectorSpec } from './connector-spec.ts';

type Since = NonNullable<ConnectorSpec['since']>;

/**
 * What a run asks for: where the last one that succeeded ended, less the overlap.
 * @param reached the greatest value that was met; null: no run has
 */
export function sinceOf(since: Since | undefined, reached: string | null): string | null {
  if (since === undefined) return null;
  if (reached === null) return since.start ?? null;
  const units =
    BigInt(since.overlap) * (since.format === 'iso' || since.format === 'unix_ms' ? 1000n : 1n);
  return written(since, orderOf(since, reached) - units);
}

/** The greater of what was reached and what rows bear; rows without the field say nothing. */
export function reachedBy(
  since: Since,
  reached: string | null,
  rows: readonly object[],
): string | null {
  let best = reached;
  let order = reached === null ? null : orderOf(since, reached);
  for (const row of rows) {
    const text = textAt(row, since.field);
    if (text === null || text === '') continue;
    const found = orderOf(since, text);
    if (order !== null && found <= order) continue;
    order = found;
    best = written(since, found);
  }
  return best;
}

/** Whole numbers: milliseconds of `iso` and `unix_ms`, seconds of `unix`, numbers as they are. */
function orderOf(since: Since, text: string): bigint {
  if (since.format === 'iso') return BigInt(parseInstant(text, since.field));
  const whole = /^(-?\d{1,30})(?:\.\d+)?$/.exec(text)?.[1];
  if (whole !== undefined) return BigInt(whole);
  throw new DaybookError('E_INPUT', {
    where: since.field,
    reason: `got ${JSON.stringify(text.slice(0, 80))}; expected a whole number`,
  });
}

function written(since: Since, order: bigint): string {
  return since.format === 'iso' ? new Date(Number(order)).toISOString() : String(order);
}
