import { type Calendar, calendarOf } from '../time/calendar.ts';
import { parseCron } from '../time/cron-expression.ts';
import { nextDueAfter } from '../time/recurrence.ts';
import { ConnectorSpec } from './connector-spec.ts';

/** When a connector is due after an instant, UTC epoch ms; null: never by itself. */
export function nextDueOfSpec(
  spec: Pick<ConnectorSpec, 'cron' | 'zone'>,
  calendar: Calendar,
  after: number,
): { readonly nominal: string; readonly instant: number } | null {
  if (spec.cron === undefined) return null;
  const clocks = spec.zone === undefined ? calendar : calendarOf(spec.zone);
  const due = nextDueAfter(parseCron(spec.cron), clocks, after);
  return due && { nominal: due.nominal, instant: due.instant };
}

/** The spec of a row, which was checked when it was written. */
export function specOf(stored: unknown): ConnectorSpec {
  return ConnectorSpec.parse(stored);
}
