import type { Labels } from './column.ts';
import { labels } from './field-labels.ts';

/** The fixed texts of the control table. Those of the workbook around it are the renderer's. */
export const CONTROL_LABELS = {
  zone: labels('Time zone', 'Fuso horário', 'Zona horaria'),
  startsAt: labels('Starts at', 'Começa em', 'Comienza el'),
  endsAt: labels('Ends at', 'Termina em', 'Termina el'),
  hours: labels('Hours', 'Horas', 'Horas'),
  content: labels('Content (SHA-256)', 'Conteúdo (SHA-256)', 'Contenido (SHA-256)'),
  rows: labels('Rows', 'Linhas', 'Filas'),
  sum: labels('Sum', 'Soma', 'Suma'),
  check: labels('Check', 'Verificação', 'Verificación'),
  checkPassed: labels('OK', 'OK', 'OK'),
} as const satisfies Record<string, Labels>;
