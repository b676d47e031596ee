import type { Labels } from '../column.ts';
import type { Locale } from '../request.ts';

/** Names of a workbook's sheets: the same in every language, so that programs find them. */
export const SUMMARY_SHEET = 'Summary';
export const CONTROL_SHEET = 'Control totals';
export const CHANGES_SHEET = 'Changes';

/** The name of a Detail sheet, counted from 1. */
export function detailSheetName(sheet: number): string {
  return sheet === 1 ? 'Detail' : `Detail ${sheet}`;
}

/** What a workbook says in words of its own. */
export const WORKBOOK_LABELS = {
  tenant: { en: 'Tenant', 'pt-BR': 'Cliente', es: 'Cliente' },
  period: { en: 'Period', 'pt-BR': 'Período', es: 'Período' },
  zone: { en: 'Time zone', 'pt-BR': 'Fuso horário', es: 'Zona horaria' },
  irregular: { en: 'Irregular days', 'pt-BR': 'Dias irregulares', es: 'Días irregulares' },
  noIrregular: {
    en: 'none: every day starts at 00:00 and lasts 24 hours',
    'pt-BR': 'nenhum: todos os dias começam às 00:00 e duram 24 horas',
    es: 'ninguno: todos los días empiezan a las 00:00 y duran 24 horas',
  },
  absentDay: {
    en: 'does not exist in this zone',
    'pt-BR': 'não existe neste fuso',
    es: 'no existe en esta zona',
  },
  startsAt: { en: 'starts at', 'pt-BR': 'começa às', es: 'empieza a las' },
  dataAsOf: { en: 'Data as of', 'pt-BR': 'Dados até', es: 'Datos hasta' },
  noData: { en: 'no data yet', 'pt-BR': 'ainda sem dados', es: 'aún sin datos' },
  revision: { en: 'Revision', 'pt-BR': 'Revisão', es: 'Revisión' },
  incomplete: {
    en: 'NOT COMPLETE',
    'pt-BR': 'INCOMPLETO',
    es: 'INCOMPLETO',
  },
  filters: { en: 'Filters', 'pt-BR': 'Filtros', es: 'Filtros' },
  noFilters: { en: 'none', 'pt-BR': 'nenhum', es: 'ninguno' },
  params: { en: 'Parameters', 'pt-BR': 'Parâmetros', es: 'Parámetros' },
  rows: { en: 'Detail rows', 'pt-BR': 'Linhas de detalhe', es: 'Filas de detalle' },
  onSheets: { en: 'on sheets', 'pt-BR': 'nas planilhas', es: 'en las hojas' },
  totals: { en: 'Totals', 'pt-BR': 'Totais', es: 'Totales' },
  balances: { en: 'Balances', 'pt-BR': 'Saldos', es: 'Saldos' },
  byDay: { en: 'By day', 'pt-BR': 'Por dia', es: 'Por día' },
  changesSince: {
    en: 'Changes since revision',
    'pt-BR': 'Alterações desde a revisão',
    es: 'Cambios desde la revisión',
  },
  changedDays: { en: 'Days that changed', 'pt-BR': 'Dias alterados', es: 'Días cambiados' },
  added: { en: 'rows added', 'pt-BR': 'linhas incluídas', es: 'filas añadidas' },
  changed: { en: 'changed', 'pt-BR': 'alteradas', es: 'cambiadas' },
  removed: { en: 'removed', 'pt-BR': 'removidas', es: 'eliminadas' },
  unlisted: {
    en: 'not listed here, only counted',
    'pt-BR': 'não listadas aqui, apenas contadas',
    es: 'no listadas aquí, solo contadas',
  },
  rowsForgotten: {
    en: 'the rows of then were not compared one by one, only the totals',
    'pt-BR': 'as linhas de então não foram comparadas uma a uma, apenas os totais',
    es: 'las filas de entonces no se compararon una a una, solo los totales',
  },
  control: {
    en: 'Control totals',
    'pt-BR': 'Totais de controle',
    es: 'Totales de control',
  },
  controlNote: {
    en: 'What each day contributed, and the proof that the days add up to the file.',
    'pt-BR': 'O que cada dia contribuiu, e a prova de que os dias somam o arquivo.',
    es: 'Lo que aportó cada día, y la prueba de que los días suman el archivo.',
  },
} as const satisfies Record<string, Labels>;

export function workbookLabel(label: keyof typeof WORKBOOK_LABELS, locale: Locale): string {
  return WORKBOOK_LABELS[label][locale];
}
