import type { Locale } from '../../reports/request.ts';
import { mailContent } from '../mail/mail-content.ts';
import type { HookMessage } from './hook-message.ts';

/** What a chat shows of a message: plain text in pieces, not yet escaped for any chat. */
export interface ChatText {
  readonly title: string;
  readonly blocks: readonly {
    readonly heading: string;
    readonly lines: readonly string[];
    readonly link: { readonly text: string; readonly url: string } | null;
  }[];
}

/** Figures that a chat shows of a report; the file has them all. */
const MOST_FIGURES = 12;

export function chatText(message: HookMessage, locale: Locale): ChatText {
  const content = mailContent({
    tenant: message.tenant,
    schedule: message.schedule,
    locale,
    isTest: message.type === 'test',
    reports: message.reports,
    notice: message.notice,
    unsubscribeUrl: null,
  });
  const { notice } = content;
  return {
    title: content.subject,
    blocks: [
      ...(notice ? [{ heading: notice.title, lines: notice.lines, link: null }] : []),
      ...content.sections.map(({ heading, marks, totals, facts, file }) => ({
        heading,
        lines: [
          ...marks,
          ...totals.figures.slice(0, MOST_FIGURES).map(({ label, value }) => `${label}: ${value}`),
          ...facts.slice(1).map(({ label, value }) => `${label}: ${value}`),
        ],
        link: file.url === null ? null : { text: `${file.name}, ${file.size}`, url: file.url },
      })),
    ],
  };
}
