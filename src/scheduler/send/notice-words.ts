import { momentText } from '../../delivery/mail/cell-text.ts';
import type { Notice } from '../../delivery/mail/mail-content.ts';
import { periodText } from '../../delivery/mail/report-facts.ts';
import type { Labels } from '../../reports/column.ts';
import type { Locale } from '../../reports/request.ts';
import type { NoticeTopic } from '../../store/deliveries.ts';
import type { OccurrenceRow } from '../../store/occurrences.ts';

/** What a notice tells the owner of a schedule. */

const TITLES: Readonly<Record<Exclude<NoticeTopic, ''>, Labels>> = {
  held: {
    en: 'Report held: its data is not complete',
    'pt-BR': 'Relatório retido: os dados não estão completos',
    es: 'Informe retenido: los datos no están completos',
  },
  overdue: {
    en: 'Report not sent: its data did not come in time',
    'pt-BR': 'Relatório não enviado: os dados não chegaram a tempo',
    es: 'Informe no enviado: los datos no llegaron a tiempo',
  },
  failed: {
    en: 'Report failed',
    'pt-BR': 'O relatório falhou',
    es: 'El informe falló',
  },
  missed: {
    en: 'Report missed: it was due too long ago',
    'pt-BR': 'Relatório perdido: era devido há tempo demais',
    es: 'Informe perdido: debía salir hace demasiado tiempo',
  },
  skipped: {
    en: 'Report skipped',
    'pt-BR': 'Relatório omitido',
    es: 'Informe omitido',
  },
  changed: {
    en: 'Rows changed after a report was sent',
    'pt-BR': 'Linhas mudaram depois do envio de um relatório',
    es: 'Cambiaron filas después del envío de un informe',
  },
};

const WORDS = {
  schedule: { en: 'Schedule', 'pt-BR': 'Agendamento', es: 'Programación' },
  due: { en: 'Due', 'pt-BR': 'Devido em', es: 'Debía salir el' },
  period: { en: 'Period', 'pt-BR': 'Período', es: 'Período' },
  reason: { en: 'Reason', 'pt-BR': 'Motivo', es: 'Motivo' },
  days: { en: 'Days', 'pt-BR': 'Dias', es: 'Días' },
} as const satisfies Record<string, Labels>;

const MOST_DAYS = 20;

export function noticeOf(
  topic: Exclude<NoticeTopic, ''>,
  occurrence: OccurrenceRow,
  detail: Readonly<Record<string, unknown>>,
  locale: Locale,
): Notice {
  const { zone, scheduleName, dueAt, period, reason } = occurrence;
  const line = (label: keyof typeof WORDS, value: string) => `${WORDS[label][locale]}: ${value}`;
  const days = Array.isArray(detail.days) ? detail.days.map(String) : [];
  return {
    title: TITLES[topic][locale],
    lines: [
      line('schedule', scheduleName),
      line('due', `${momentText(dueAt, locale, zone)} (${zone})`),
      line('period', periodText(period, { locale })),
      ...(reason === null ? [] : [line('reason', reason)]),
      ...(days.length === 0
        ? []
        : [
            line(
              'days',
              `${days.slice(0, MOST_DAYS).join(', ')}${days.length > MOST_DAYS ? ', …' : ''}`,
            ),
          ]),
    ],
  };
}
