import type { ReportDocument } from '../../reports/document.ts';
import type { MailedReport, Notice } from '../mail/mail-content.ts';

/** What goes to a hook: told once, then put into the form of each kind. */
export interface HookMessage {
  readonly type: 'report.ready' | 'report.amended' | 'notice' | 'test';
  /** Names this message for receivers that take each once: the same at every automatic retry. */
  readonly id: string;
  /** Of the attempt, UTC epoch ms. */
  readonly at: number;
  readonly tenant: string;
  readonly schedule: string;
  /** Files always go as links here. */
  readonly reports: readonly MailedReport[];
  readonly notice: Notice | null;
}

/** The totals under the keys of their columns: numbers as decimal text, exact. */
export function totalsByKey(document: ReportDocument): Record<string, string | null>[] {
  const { columns, rows } = document.totals;
  return rows.map((row) =>
    Object.fromEntries(
      columns.map(({ key }, index) => [key, row[index] === null ? null : String(row[index])]),
    ),
  );
}
