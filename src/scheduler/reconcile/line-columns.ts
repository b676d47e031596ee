import type { LineClass } from '../../billing/reconcile/classify.ts';
import { BY_ID, BY_PARTIES } from '../../billing/reconcile/match-calls.ts';
import { NO_PARTY, type Parties } from '../../billing/reconcile/parties.ts';
import type { Reconciled } from '../../billing/reconcile/reconcile.ts';
import { divideToScale } from '../../money/decimal.ts';
import type { CellType, Labels, OutColumn, Unit } from '../../reports/column.ts';
import { labels } from '../../reports/field-labels.ts';
import { MOST_SCALE } from '../../reports/render/style-registry.ts';
import type { Locale } from '../../reports/request.ts';
import type { CellBytes } from './cell-bytes.ts';

/** The columns of a reconciliation's sheets, and how a line's cells come of its two rows. */

/** What cells are made of. */
export interface LineSource {
  readonly found: Reconciled;
  readonly parties: Parties;
  readonly locale: Locale;
}

/** A cell of the row of ours and the row of theirs, below 0 where there is none. */
type TextCell = (out: CellBytes, source: LineSource, ours: number, theirs: number) => void;
type NumberCell = (source: LineSource, ours: number, theirs: number) => number;

interface LineColumnOf<T extends CellType, Cell> {
  readonly key: string;
  readonly type: T;
  readonly unit: Unit | null;
  readonly labels: Labels;
  readonly width: number;
  /** Nothing written, and NaN, are no value. */
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

type Which = 'ours' | 'theirs';

function writeId(out: CellBytes, { found }: LineSource, side: Which, row: number): void {
  const id = row < 0 ? -1 : found[side].ids[row];
  if (id >= 0) found.ids.show(id, (bytes, start, end) => out.bytes(bytes, start, end));
}

/** Ours, or theirs where we have none. */
function writeParty(
  out: CellBytes,
  { found, parties }: LineSource,
  which: 'callers' | 'callees',
  ours: number,
  theirs: number,
): void {
  const own = ours < 0 ? NO_PARTY : found.ours[which][ours];
  const party = own !== NO_PARTY || theirs < 0 ? own : found.theirs[which][theirs];
  if (party > 0) out.international(party);
  else out.text(parties.textOf(party));
}

function writeAmount(out: CellBytes, { found }: LineSource, side: Which, row: number): void {
  if (row >= 0) out.decimal(found[side].amounts[row], found.scale);
}

function writeRate(out: CellBytes, { found }: LineSource, side: Which, row: number): void {
  const seconds = found[side].billedSeconds[row];
  if (seconds === 0) return;
  const amount = { unscaled: found[side].amounts[row] * 60n, scale: found.scale };
  const rate = divideToScale(amount, { unscaled: BigInt(seconds), scale: 0 }, MOST_SCALE);
  out.decimal(rate.unscaled, rate.scale);
}

const CALL_ID = text(
  'call_id',
  labels('Call ID', 'ID da chamada', 'ID de llamada'),
  (out, source, ours) => writeId(out, source, 'ours', ours),
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
  (out, source, _, theirs) => writeId(out, source, 'theirs', theirs),
  24,
);
const CALLER = text('caller', labels('Caller', 'Origem', 'Origen'), (out, source, ours, theirs) =>
  writeParty(out, source, 'callers', ours, theirs),
);
const CALLEE = text('callee', labels('Callee', 'Destino', 'Destino'), (out, source, ours, theirs) =>
  writeParty(out, source, 'callees', ours, theirs),
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
const AMOUNT = money('amount', labels('Amount', 'Valor', 'Importe'), (out, source, ours) =>
  writeAmount(out, source, 'ours', ours),
);
const THEIR_AMOUNT = money(
  'their_amount',
  labels('Amount, carrier', 'Valor, operadora', 'Importe, operador'),
  (out, source, _, theirs) => writeAmount(out, source, 'theirs', theirs),
);
const RATE = money('rate', labels('Per minute', 'Por minuto', 'Por minuto'), (out, source, ours) =>
  writeRate(out, source, 'ours', ours),
);
const THEIR_RATE = money(
  'their_rate',
  labels('Per minute, carrier', 'Por minuto, operadora', 'Por minuto, operador'),
  (out, source, _, theirs) => writeRate(out, source, 'theirs', theirs),
);
const EXPLAINS = money(
  'explains',
  labels('Explains', 'Explica', 'Explica'),
  (out, { found }, ours, theirs) => {
    const own = ours < 0 ? 0n : found.ours.amounts[ours];
    const other = theirs < 0 ? 0n : found.theirs.amounts[theirs];
    out.decimal(other - own, found.scale);
  },
);
const MATCHED_BY = text(
  'matched_by',
  labels('Matched by', 'Encontrada por', 'Encontrada por'),
  (out, { found, locale }, ours) => {
    const by = found.matching.by[ours];
    const how = by === BY_ID ? 'id' : by === BY_PARTIES ? 'parties' : 'callee';
    out.text(HOW_LABELS[how][locale]);
  },
);
const SIDE = text('side', labels('Side', 'Lado', 'Lado'), (out, { locale }, ours) =>
  out.text(SIDE_LABELS[ours >= 0 ? 'ours' : 'theirs'][locale]),
);

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
