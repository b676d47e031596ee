import { addDecimal, formatDecimal, parseDecimal, ZERO } from '../money/decimal.ts';
import type { CellValue } from './chunk.ts';
import type { OutColumn } from './column.ts';
import type { ReportDocument, Table } from './document.ts';
import { FIELD_LABELS, labels } from './field-labels.ts';

/** What payers had before a statement, its lines, and what they have after it; per currency. */

const LABELS = {
  currency: FIELD_LABELS.currency,
  opening: labels('Opening balance', 'Saldo inicial', 'Saldo inicial'),
  movements: labels('Sum of lines', 'Soma das linhas', 'Suma de las líneas'),
  closing: labels('Closing balance', 'Saldo final', 'Saldo final'),
};

/** Exact text; of the entries before the period. */
export interface Opening {
  readonly currency: string;
  readonly amount: string;
}

/**
 * The movements are the document's own totals, so that opening + lines = closing holds of this very
 * file, whatever came into the ledger since. A currency without lines keeps what it had.
 */
export function balancesTable(
  document: Pick<ReportDocument, 'totals' | 'locale' | 'headers'>,
  openings: readonly Opening[],
): Table {
  const { totals } = document;
  const at = (name: string) => totals.columns.findIndex(({ key }) => key === name);
  const [currencyAt, amountAt] = [at('currency'), at('amount')];
  const moved = new Map(
    totals.rows
      .filter((row) => typeof row[currencyAt] === 'string')
      .map((row) => [String(row[currencyAt]), exact(row[amountAt])]),
  );
  const before = new Map(openings.map(({ currency, amount }) => [currency, exact(amount)]));
  const currencies = [...new Set([...moved.keys(), ...before.keys()])].sort();
  return {
    columns: (['currency', 'opening', 'movements', 'closing'] as const).map((key) =>
      columnOf(key, document),
    ),
    rows: currencies.map((currency) => {
      const opening = before.get(currency) ?? ZERO;
      const movements = moved.get(currency) ?? ZERO;
      const closing = addDecimal(opening, movements);
      return [currency, ...[opening, movements, closing].map((each) => formatDecimal(each))];
    }),
  };
}

function columnOf(
  key: keyof typeof LABELS,
  { locale, headers }: Pick<ReportDocument, 'locale' | 'headers'>,
): OutColumn {
  const header = headers === 'keys' ? key : LABELS[key][locale];
  return key === 'currency'
    ? { key, header, type: 'text', unit: null, minScale: 0, width: 12 }
    : { key, header, type: 'decimal', unit: 'money', minScale: 2, width: 18 };
}

function exact(cell: CellValue) {
  return (cell === null ? null : parseDecimal(String(cell))) ?? ZERO;
}
