import type { LineClass } from '../../billing/reconcile/classify.ts';
import { BY_ID, BY_PARTIES } from '../../billing/reconcile/match-calls.ts';
import type { Parties } from '../../billing/reconcile/parties.ts';
import type { Reconciled } from '../../billing/reconcile/reconcile.ts';
import { divideToScale, formatDecimal } from '../../money/decimal.ts';
import type { CellType, Labels, OutColumn, Unit } from '../../reports/column.ts';
import { labels } from '../../reports/field-labels.ts';
import { MOST_SCALE } from '../../reports/render/style-registry.ts';
import type { Locale } from '../../reports/request.ts';

/** The columns of a reconciliation's sheets, and how a line's cells come of its two rows. */

/** What cells are made of. */
export interface LineSource {
  readonly found: Reconciled;
  readonly parties: Parties;
  readonly locale: Locale;
}

/** A cell of the row of ours and the row of theirs, below 0 where there is none. */
type TextCell = (source: LineSource, ours: number, theirs: number) => string;
type NumberCell = (source: LineSource, ours: number, theirs: number) => number;

interface LineColumnOf<T extends CellType, Cell> {
  readonly key: string;
  readonly type: T;
  readonly unit: Unit | null;
  readonly labels: Labels;
  readonly width: number;
  /** No text, and NaN, are no value. */
  readonly cell: Cell;
}
type NumberColumn = LineColumnOf<'instant' | 'integer', NumberCell>;
export type LineColumn = LineColumnOf<'text' | 'decimal', TextCell> | NumberColumn;

export function holdsNumbers(column: LineColumn): column is NumberColumn {
  return column.type === 'instant' || column.type === 'integer';
}

const text = (key: string, own: Labels, cell: TextCell, width = 18): LineColumn => ({
  ...{ key, type: 'text', unit: null, labels: own, width, cell },
});
const money = (key: string, own: Labels, cell: TextCell): LineColumn => ({
  ...{ key, type: 'decimal', unit: 'money', labels: own, width: 14, cell },
});
const number = (
  key: string,
  type: 'instant' | 'integer',
  unit: Unit | null,
  own: Labels,
  cell: NumberCell,
): LineColumn => ({ key, type, unit, labels: own, width: type === 'instant' ? 20 : 12, cell });

const SIDE_LABELS = {
  ours: labels('our charges', 'nossas cobranças', 'nuestros cargos'),
  theirs: labels("carrier's file", 'arquivo da operadora', 'archivo del operador'),
};
const HOW_LABELS = {
  id: labels('ID', 'ID', 'ID'),
  parties: labels('parties and start', 'partes e início', 'partes e inicio'),
  callee: labels('callee and start', 'destino e início', 'destino e inicio'),
};

const idOf = ({ found }: LineSource, side: 'ours' | 'theirs', row: number): string => {
  const id = row < 0 ? -1 : found[side].ids[row];
  return id < 0 ? '' : found.ids.textOf(id);
};
const amountText = ({ found }: LineSource, side: 'ours' | 'theirs', row: number): string =>
  row < 0 ? '' : formatDecimal({ unscaled: found[side].amounts[row], scale: found.scale });
const ratePerMinute = ({ found }: LineSource, side: 'ours' | 'theirs', row: number): string => {
  const seconds = found[side].billedSeconds[row];
  if (seconds === 0) return '';
  const amount = { unscaled: found[side].amounts[row] * 60n, scale: found.scale };
  const rate = divideToScale(amount, { unscaled: BigInt(seconds), scale: 0 }, MOST_SCALE);
  return formatDecimal(rate);
};

const CALL_ID = text(
  'call_id',
  labels('Call ID', 'ID da chamada', 'ID de llamada'),
  (source, ours) => idOf(source, 'ours', ours),
  24,
);
const THEIR_ROW = number(
  'their_row',
  'integer',
  null,
  labels('Row of file', 'Linha do arquivo', 'Fila del archivo'),
  ({ found }, _, theirs) => (theirs < 0 ? Number.NaN : found.theirs.rowNumbers[theirs]),
);
const THEIR_ID = text(
  'their_id',
  labels("Carrier's ID", 'ID da operadora', 'ID del operador'),
  (source, _, theirs) => idOf(source, 'theirs', theirs),
  24,
);
const CALLER = text(
  'caller',
  labels('Caller', 'Origem', 'Origen'),
  ({ found, parties }, ours, theirs) => {
    const own = ours < 0 ? 0 : found.ours.callers[ours];
    return parties.textOf(own !== 0 || theirs < 0 ? own : found.theirs.callers[theirs]);
  },
);
const CALLEE = text(
  'callee',
  labels('Callee', 'Destino', 'Destino'),
  ({ found, parties }, ours, theirs) => {
    const own = ours < 0 ? 0 : found.ours.callees[ours];
    return parties.textOf(own !== 0 || theirs < 0 ? own : found.theirs.callees[theirs]);
  },
);
const STARTED = number(
  'started_at',
  'instant',
  null,
  labels('Started', 'Início', 'Inicio'),
  ({ found }, ours) => (ours < 0 ? Number.NaN : found.ours.startedAtMs[ours]),
);
const THEIR_STARTED = number(
  'their_started_at',
  'instant',
  null,
  labels('Started, carrier', 'Início, operadora', 'Inicio, operador'),
  ({ found }, _, theirs) => (theirs < 0 ? Number.NaN : found.theirs.startedAtMs[theirs]),
);
const SECONDS = number(
  'billed_seconds',
  'integer',
  'seconds',
  labels('Billed (s)', 'Faturado (s)', 'Facturado (s)'),
  ({ found }, ours) => (ours < 0 ? Number.NaN : found.ours.billedSeconds[ours]),
);
const THEIR_SECONDS = number(
  'their_billed_seconds',
  'integer',
  'seconds',
  labels('Billed, carrier (s)', 'Faturado, operadora (s)', 'Facturado, operador (s)'),
  ({ found }, _, theirs) => (theirs < 0 ? Number.NaN : found.theirs.billedSeconds[theirs]),
);
const SECONDS_MORE = number(
  'seconds_difference',
  'integer',
  'seconds',
  labels('Difference (s)', 'Diferença (s)', 'Diferencia (s)'),
  ({ found }, ours, theirs) => found.theirs.billedSeconds[theirs] - found.ours.billedSeconds[ours],
);
const AMOUNT = money('amount', labels('Amount', 'Valor', 'Importe'), (source, ours) =>
  amountText(source, 'ours', ours),
);
const THEIR_AMOUNT = money(
  'their_amount',
  labels('Amount, carrier', 'Valor, operadora', 'Importe, operador'),
  (source, _, theirs) => amountText(source, 'theirs', theirs),
);
const RATE = money('rate', labels('Per minute', 'Por minuto', 'Por minuto'), (source, ours) =>
  ratePerMinute(source, 'ours', ours),
);
const THEIR_RATE = money(
  'their_rate',
  labels('Per minute, carrier', 'Por minuto, operadora', 'Por minuto, operador'),
  (source, _, theirs) => ratePerMinute(source, 'theirs', theirs),
);
const EXPLAINS = money(
  'explains',
  labels('Explains', 'Explica', 'Explica'),
  ({ found }, ours, theirs) => {
    const own = ours < 0 ? 0n : found.ours.amounts[ours];
    const other = theirs < 0 ? 0n : found.theirs.amounts[theirs];
    return formatDecimal({ unscaled: other - own, scale: found.scale });
  },
);
const MATCHED_BY = text(
  'matched_by',
  labels('Matched by', 'Encontrada por', 'Encontrada por'),
  ({ found, locale }, ours) => {
    const by = found.matching.by[ours];
    return HOW_LABELS[by === BY_ID ? 'id' : by === BY_PARTIES ? 'parties' : 'callee'][locale];
  },
);
const SIDE = text('side', labels('Side', 'Lado', 'Lado'), ({ locale }, ours) => {
  return SIDE_LABELS[ours >= 0 ? 'ours' : 'theirs'][locale];
});

const PAIR = [CALL_ID, THEIR_ID, CALLER, CALLEE, STARTED, THEIR_STARTED];

const COLUMNS: Readonly<Record<LineClass, readonly LineColumn[]>> = {
  matched: [...PAIR, SECONDS, AMOUNT, EXPLAINS, MATCHED_BY, THEIR_ROW],
  only_ours: [CALL_ID, CALLER, CALLEE, STARTED, SECONDS, AMOUNT, EXPLAINS],
  only_theirs: [
    ...[THEIR_ID, CALLER, CALLEE, THEIR_STARTED, THEIR_SECONDS, THEIR_AMOUNT],
    ...[EXPLAINS, THEIR_ROW],
  ],
  duration: [
    ...[...PAIR, SECONDS, THEIR_SECONDS, SECONDS_MORE, AMOUNT, THEIR_AMOUNT],
    ...[EXPLAINS, MATCHED_BY, THEIR_ROW],
  ],
  rate: [
    ...[...PAIR, SECONDS, RATE, THEIR_RATE, AMOUNT, THEIR_AMOUNT],
    ...[EXPLAINS, MATCHED_BY, THEIR_ROW],
  ],
  rounding: [...PAIR, SECONDS, AMOUNT, THEIR_AMOUNT, EXPLAINS, MATCHED_BY, THEIR_ROW],
  duplicate: [
    ...[SIDE, CALL_ID, THEIR_ID, CALLER, CALLEE, STARTED, THEIR_STARTED],
    ...[SECONDS, THEIR_SECONDS, AMOUNT, THEIR_AMOUNT, EXPLAINS, THEIR_ROW],
  ],
};

export function lineColumns(name: LineClass): readonly LineColumn[] {
  return COLUMNS[name];
}

/** A line's column as it stands in a sheet. Money shows the digits that any of it has. */
export function outLineColumn(column: LineColumn, locale: Locale, scale: number): OutColumn {
  const header = column.labels[locale];
  return {
    key: column.key,
    header,
    type: column.type,
    unit: column.unit,
    minScale: column.type === 'decimal' ? Math.min(MOST_SCALE, Math.max(2, scale)) : 0,
    width: Math.max(column.width, header.length + 2),
  };
}
