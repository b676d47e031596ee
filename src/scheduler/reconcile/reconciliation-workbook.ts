import { LINE_CLASSES, type LineClass } from '../../billing/reconcile/classify.ts';
import { formatDecimal } from '../../money/decimal.ts';
import type { CellValue } from '../../reports/chunk.ts';
import type { Labels, OutColumn } from '../../reports/column.ts';
import type { Table } from '../../reports/document.ts';
import { labels } from '../../reports/field-labels.ts';
import { type SheetsWorkbook, writeSheetsWorkbook } from '../../reports/render/sheets-workbook.ts';
import { MOST_SCALE } from '../../reports/render/style-registry.ts';
import { workbookLabel } from '../../reports/render/workbook-labels.ts';
import type { Period } from '../../time/period.ts';
import { lineChunks } from './line-chunks.ts';
import { type LineSource, lineColumns, outLineColumn } from './line-columns.ts';

/** The workbook of a reconciliation: a summary that adds up, and a sheet of each class. */

export interface ReconciliationFrame {
  readonly tenant: string;
  readonly period: Period;
  /** All times are shown in it. */
  readonly zone: string;
  /** Name of the carrier's file. */
  readonly carrier: string;
  readonly currency: string;
  /** Charges of the period that have no amount, and so take no part. */
  readonly unrated: number;
}

/** Names of sheets: the same in every language, so that programs find them. */
export const CLASS_SHEETS: Readonly<Record<LineClass, string>> = {
  matched: 'Matched',
  only_ours: 'Only ours',
  only_theirs: 'Only theirs',
  duration: 'Duration',
  rate: 'Rate',
  rounding: 'Rounding',
  duplicate: 'Duplicates',
};

const WORDS = {
  title: labels('Reconciliation', 'Conciliação', 'Conciliación'),
  carrier: labels("Carrier's file", 'Arquivo da operadora', 'Archivo del operador'),
  currency: labels('Currency', 'Moeda', 'Moneda'),
  seconds: labels(
    'Starts apart by at most (s)',
    'Inícios distantes até (s)',
    'Inicios a lo sumo (s)',
  ),
  rounding: labels('Rounding up to', 'Arredondamento até', 'Redondeo hasta'),
  unrated: labels('Calls without a rate', 'Chamadas sem tarifa', 'Llamadas sin tarifa'),
  totals: labels('Totals', 'Totais', 'Totales'),
  explained: labels(
    'What explains the difference',
    'O que explica a diferença',
    'Qué explica la diferencia',
  ),
  side: labels('Side', 'Lado', 'Lado'),
  rows: labels('Rows', 'Linhas', 'Filas'),
  amount: labels('Amount', 'Valor', 'Importe'),
  ours: labels('Our charges', 'Nossas cobranças', 'Nuestros cargos'),
  theirs: labels('Carrier', 'Operadora', 'Operador'),
  difference: labels('Difference', 'Diferença', 'Diferencia'),
  sheet: labels('Sheet', 'Planilha', 'Hoja'),
  explains: labels('Explains', 'Explica', 'Explica'),
  sum: labels('Sum', 'Soma', 'Suma'),
  check: labels('Check', 'Verificação', 'Verificación'),
} as const satisfies Record<string, Labels>;

/**
 * @returns the names of its sheets behind the summary
 * @throws what `out` throws; the reason of the signal
 */
export function writeReconciliation(
  frame: ReconciliationFrame,
  source: LineSource,
  to: Pick<SheetsWorkbook, 'out' | 'signal' | 'maxRows' | 'refsUpTo'>,
): Promise<string[]> {
  const { found, locale } = source;
  const say = (word: keyof typeof WORDS) => WORDS[word][locale];
  const { from, to: until } = frame.period;
  return writeSheetsWorkbook({
    ...to,
    company: frame.tenant,
    zone: { name: frame.zone, stretches: [] },
    summary: {
      locale,
      zones: [frame.zone],
      title: say('title'),
      facts: [
        [workbookLabel('tenant', locale), frame.tenant],
        [workbookLabel('period', locale), from === until ? from : `${from} – ${until}`],
        [workbookLabel('zone', locale), frame.zone],
        [say('carrier'), frame.carrier],
        [say('currency'), frame.currency],
        [say('seconds'), String(found.tolerances.seconds)],
        [say('rounding'), formatDecimal(found.tolerances.amount, 2)],
        [say('unrated'), frame.unrated],
      ],
      tables: [
        { heading: say('totals'), table: totalsOf(source), strong: isLast(say('difference')) },
        { heading: say('explained'), table: classesOf(source), strong: isLast(say('sum')) },
      ],
    },
    sheets: LINE_CLASSES.map((name) => {
      const columns = lineColumns(name);
      const lines = found.classes[name];
      return {
        name: CLASS_SHEETS[name],
        columns: columns.map((column) => outLineColumn(column, locale, found.scale)),
        rows: lines.ours.length,
        chunks: () => lineChunks(lines, columns, source),
      };
    }),
  });
}

const isLast =
  (name: string) =>
  ([first]: readonly CellValue[]) =>
    first === name;

/** Both sides and how far they are apart. */
export function totalsOf({ found, locale }: Pick<LineSource, 'found' | 'locale'>): Table {
  const say = (word: keyof typeof WORDS) => WORDS[word][locale];
  const money = (unscaled: bigint) => formatDecimal({ unscaled, scale: found.scale });
  const { ours, theirs, ourTotal, theirTotal } = found;
  return {
    columns: [
      nameColumn(say('side')),
      rowsColumn(say('rows')),
      moneyColumn(say('amount'), found.scale),
    ],
    rows: [
      [say('ours'), ours.rows, money(ourTotal)],
      [say('theirs'), theirs.rows, money(theirTotal)],
      [say('difference'), theirs.rows - ours.rows, money(theirTotal - ourTotal)],
    ],
  };
}

/** What each class explains of the difference; the sum and the check are its last two rows. */
export function classesOf({ found, locale }: Pick<LineSource, 'found' | 'locale'>): Table {
  const say = (word: keyof typeof WORDS) => WORDS[word][locale];
  const { scale, ourTotal, theirTotal } = found;
  const money = (unscaled: bigint) => formatDecimal({ unscaled, scale });
  const lines = LINE_CLASSES.map((name) => ({ name, ...found.classes[name] }));
  const explained = lines.reduce((sum, { explains }) => sum + explains, 0n);
  const rows = lines.reduce((sum, { ours }) => sum + ours.length, 0);
  return {
    columns: [
      nameColumn(say('sheet')),
      rowsColumn(say('rows')),
      moneyColumn(say('ours'), scale),
      moneyColumn(say('theirs'), scale),
      moneyColumn(say('explains'), scale),
    ],
    rows: [
      ...lines.map(({ name, ours, ...each }) => [
        CLASS_SHEETS[name],
        ours.length,
        money(each.ourTotal),
        money(each.theirTotal),
        money(each.explains),
      ]),
      [say('sum'), rows, money(ourTotal), money(theirTotal), money(explained)],
      // `reconcile` has proved it; nothing is written otherwise.
      [say('check'), null, null, null, money(theirTotal - ourTotal - explained)],
    ],
  };
}

function nameColumn(header: string): OutColumn {
  return { key: 'name', header, type: 'text', unit: null, minScale: 0, width: 24 };
}

function rowsColumn(header: string): OutColumn {
  return { key: 'rows', header, type: 'integer', unit: 'count', minScale: 0, width: 12 };
}

function moneyColumn(header: string, scale: number): OutColumn {
  const minScale = Math.min(MOST_SCALE, Math.max(2, scale));
  return { key: header, header, type: 'decimal', unit: 'money', minScale, width: 16 };
}
