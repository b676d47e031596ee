import type { Labels } from './column.ts';
import { labels } from './field-labels.ts';

/** Every fixed text of a file: names of its sheets, of the lines at its head, of its tables. */
export const FILE_LABELS = {
  summary: labels('Summary', 'Resumo', 'Resumen'),
  detail: labels('Detail', 'Detalhe', 'Detalle'),
  control: labels('Control totals', 'Totais de controle', 'Totales de control'),
  report: labels('Report', 'Relatório', 'Informe'),
  tenant: labels('Company', 'Empresa', 'Empresa'),
  period: labels('Period', 'Período', 'Período'),
  periodTo: labels('to', 'a', 'a'),
  zone: labels('Time zone', 'Fuso horário', 'Zona horaria'),
  grain: labels('Lines', 'Linhas', 'Líneas'),
  filters: labels('Filters', 'Filtros', 'Filtros'),
  noFilters: labels('None', 'Nenhum', 'Ninguno'),
  params: labels('Parameters', 'Parâmetros', 'Parámetros'),
  irregularDays: labels('Irregular days', 'Dias irregulares', 'Días irregulares'),
  noIrregularDays: labels('None', 'Nenhum', 'Ninguno'),
  dateDoesNotExist: labels(
    'this date does not exist',
    'esta data não existe',
    'esta fecha no existe',
  ),
  startsAt: labels('Starts at', 'Começa em', 'Comienza el'),
  endsAt: labels('Ends at', 'Termina em', 'Termina el'),
  hours: labels('Hours', 'Horas', 'Horas'),
  dataAsOf: labels('Data as of', 'Dados até', 'Datos hasta'),
  noData: labels('No data yet', 'Ainda sem dados', 'Aún sin datos'),
  revision: labels('Revision', 'Revisão', 'Revisión'),
  rows: labels('Rows', 'Linhas', 'Filas'),
  totals: labels('Totals', 'Totais', 'Totales'),
  byDay: labels('By day', 'Por dia', 'Por día'),
  content: labels('Content (SHA-256)', 'Conteúdo (SHA-256)', 'Contenido (SHA-256)'),
  sum: labels('Sum', 'Soma', 'Suma'),
  check: labels('Check', 'Verificação', 'Verificación'),
  checkPassed: labels('OK', 'OK', 'OK'),
} as const satisfies Record<string, Labels>;

/** What a line of a report is, by grain. */
export const GRAIN_LABELS = {
  row: labels('One by one', 'Uma a uma', 'Una a una'),
  day: labels('Per day', 'Por dia', 'Por día'),
  period: labels('Per period', 'Por período', 'Por período'),
} as const satisfies Record<string, Labels>;
