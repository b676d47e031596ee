import type { Labels } from '../../reports/column.ts';
import type { Locale } from '../../reports/request.ts';

/** What a mail says in words of its own. */
export const MAIL_LABELS = {
  period: { en: 'Period', 'pt-BR': 'Período', es: 'Período' },
  zone: { en: 'Time zone', 'pt-BR': 'Fuso horário', es: 'Zona horaria' },
  irregular: { en: 'Irregular days', 'pt-BR': 'Dias irregulares', es: 'Días irregulares' },
  dataAsOf: { en: 'Data as of', 'pt-BR': 'Dados até', es: 'Datos hasta' },
  noData: { en: 'no data yet', 'pt-BR': 'ainda sem dados', es: 'aún sin datos' },
  revision: { en: 'Revision', 'pt-BR': 'Revisão', es: 'Revisión' },
  filters: { en: 'Filters', 'pt-BR': 'Filtros', es: 'Filtros' },
  rows: { en: 'Detail rows', 'pt-BR': 'Linhas de detalhe', es: 'Filas de detalle' },
  totals: { en: 'Totals', 'pt-BR': 'Totais', es: 'Totales' },
  byDay: { en: 'by day', 'pt-BR': 'por dia', es: 'por día' },
  attached: { en: 'Attached', 'pt-BR': 'Em anexo', es: 'Adjunto' },
  attachedZip: {
    en: 'Attached, compressed',
    'pt-BR': 'Em anexo, compactado',
    es: 'Adjunto, comprimido',
  },
  download: { en: 'Download the file', 'pt-BR': 'Baixar o arquivo', es: 'Descargar el archivo' },
  tooLarge: {
    en: 'The file is too large for a mail. The link is yours alone and works until',
    'pt-BR': 'O arquivo é grande demais para um e-mail. O link é só seu e vale até',
    es: 'El archivo es demasiado grande para un correo. El enlace es solo suyo y vale hasta el',
  },
  amendment: { en: 'Amendment', 'pt-BR': 'Retificação', es: 'Rectificación' },
  amended: {
    en: 'Rows changed after this report was sent. This file replaces the one before.',
    'pt-BR': 'Linhas mudaram depois do envio deste relatório. Este arquivo substitui o anterior.',
    es: 'Cambiaron filas después del envío de este informe. Este archivo sustituye al anterior.',
  },
  incomplete: {
    en: 'Incomplete: not all data of this period had arrived.',
    'pt-BR': 'Incompleto: nem todos os dados deste período tinham chegado.',
    es: 'Incompleto: no habían llegado todos los datos de este período.',
  },
  late: {
    en: 'Late: this report was due earlier.',
    'pt-BR': 'Atrasado: este relatório era devido antes.',
    es: 'Con retraso: este informe debía salir antes.',
  },
  test: {
    en: 'Test: only you get this mail.',
    'pt-BR': 'Teste: só você recebe este e-mail.',
    es: 'Prueba: solo usted recibe este correo.',
  },
  testWord: { en: 'Test', 'pt-BR': 'Teste', es: 'Prueba' },
  notice: { en: 'Report held', 'pt-BR': 'Relatório retido', es: 'Informe retenido' },
  digest: { en: 'reports', 'pt-BR': 'relatórios', es: 'informes' },
  why: {
    en: 'You get this because it was scheduled for you by',
    'pt-BR': 'Você recebe isto porque foi agendado para você por',
    es: 'Recibe esto porque fue programado para usted por',
  },
  unsubscribe: {
    en: 'No more of these mails',
    'pt-BR': 'Não receber mais estes e-mails',
    es: 'No recibir más estos correos',
  },
  absentDay: {
    en: 'does not exist in this zone',
    'pt-BR': 'não existe neste fuso',
    es: 'no existe en esta zona',
  },
  startsAt: { en: 'starts at', 'pt-BR': 'começa às', es: 'empieza a las' },
  hours: { en: 'h', 'pt-BR': 'h', es: 'h' },
} as const satisfies Record<string, Labels>;

export type MailLabel = keyof typeof MAIL_LABELS;

export function mailLabel(label: MailLabel, locale: Locale): string {
  return MAIL_LABELS[label][locale];
}

/** All of them in one language, for templates to choose from. */
export function mailWords(locale: Locale): Readonly<Record<MailLabel, string>> {
  const words = Object.entries(MAIL_LABELS).map(([label, texts]) => [label, texts[locale]]);
  return Object.fromEntries(words) as Record<MailLabel, string>;
}
