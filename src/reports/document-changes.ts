import { formatDecimal, parseDecimal, subtractDecimal } from '../money/decimal.ts';
import type { CellValue } from './chunk.ts';
import type { CellType, Labels, OutColumn } from './column.ts';
import type { RowChange, RowComparison } from './compare-rows.ts';
import type { Dataset } from './dataset.ts';
import type { DocumentChanges, Table } from './document.ts';
import { FIELD_LABELS, type LabelledField, labels } from './field-labels.ts';
import type { Headers, Locale } from './request.ts';

/** What an amendment says of the file that it amends. */

interface Words {
  readonly locale: Locale;
  readonly headers: Headers;
}

const CHANGE = labels('Change', 'Alteração', 'Cambio');
const CHANGES: Readonly<Record<RowChange, Labels>> = {
  added: labels('added', 'incluída', 'añadida'),
  changed_from: labels('changed, was', 'alterada, era', 'cambiada, era'),
  changed_to: labels('changed, is', 'alterada, é', 'cambiada, es'),
  removed: labels('removed', 'removida', 'eliminada'),
};
const FIGURE = labels('Figure', 'Indicador', 'Indicador');
const BEFORE = labels('Before', 'Antes', 'Antes');
const AFTER = labels('Now', 'Agora', 'Ahora');
const DIFFERENCE = labels('Difference', 'Diferença', 'Diferencia');

/**
 * @param rows null: the rows of then are not known any more, so that only totals are compared
 * @param before totals of the amended file
 */
export function documentChanges(of: {
  readonly dataset: Dataset;
  readonly words: Words;
  readonly revision: number;
  readonly days: readonly string[];
  readonly rows: RowComparison | null;
  readonly before: Table;
  readonly after: Table;
}): DocumentChanges {
  const { dataset, words, rows } = of;
  const out = (key: string, text: Labels, type: CellType): OutColumn => ({
    ...{ key, type, unit: null, minScale: 0, width: type === 'instant' ? 20 : 16 },
    header: words.headers === 'keys' ? key : text[words.locale],
  });
  const listed = rows?.listed ?? [];
  const shown = listed.filter(({ change }) => change !== 'changed_from').length;
  const counts = rows?.counts ?? null;
  return {
    revision: of.revision,
    days: of.days,
    counts,
    unlisted: counts === null ? 0 : counts.added + counts.changed + counts.removed - shown,
    rows: {
      columns: [
        out('change', CHANGE, 'text'),
        ...dataset.fields.map(({ name, type }) =>
          out(name, FIELD_LABELS[name as LabelledField], type),
        ),
      ],
      rows: listed.map(({ change, cells }) => [CHANGES[change][words.locale], ...cells]),
    },
    totals: {
      columns: [
        out('figure', FIGURE, 'text'),
        out('before', BEFORE, 'decimal'),
        out('after', AFTER, 'decimal'),
        out('difference', DIFFERENCE, 'decimal'),
      ],
      rows: differences(of.before, of.after),
    },
  };
}

/** A line for each figure, and for each currency where there are several. */
function differences(before: Table, after: Table): CellValue[][] {
  const names = after.columns.filter(({ type }) => type === 'text').map(({ key }) => key);
  const lines = new Map<string, { before?: readonly CellValue[]; after?: readonly CellValue[] }>();
  for (const [side, table] of [
    ['before', before],
    ['after', after],
  ] as const) {
    for (const row of table.rows) {
      const name = names.map((key) => cellOf(table, row, key) ?? '').join(' ');
      lines.set(name, { ...lines.get(name), [side]: row });
    }
  }
  const figures = after.columns.filter(({ type }) => type === 'integer' || type === 'decimal');
  return [...lines].flatMap(([name, line]) =>
    figures.map(({ key, header }) => {
      const [was, is] = [cellOf(before, line.before, key), cellOf(after, line.after, key)];
      return [name === '' ? header : `${header} (${name})`, was, is, difference(was, is)];
    }),
  );
}

function cellOf(table: Table, row: readonly CellValue[] | undefined, key: string): CellValue {
  return row?.[table.columns.findIndex((column) => column.key === key)] ?? null;
}

/** Null where neither is a number; none counts as 0 beside one that is. */
function difference(before: CellValue, after: CellValue): string | null {
  if (before === null && after === null) return null;
  const [was, is] = [before, after].map((cell) => parseDecimal(String(cell ?? 0)));
  return was && is ? formatDecimal(subtractDecimal(is, was), 0) : null;
}
