import type { Dataset, Field } from '../../reports/dataset.ts';

/**
 * The COPY that reads one window of a dataset in canonical order. COPY takes no parameters: the
 * only values in the text are the window's bounds, written here from whole numbers. The tenant is
 * never in it; row-level security sees to that.
 */
export function extractQuery(dataset: Dataset, start: number, end: number): string {
  const columns = dataset.fields.map(expressionOf).join(', ');
  const order = [dataset.anchor, ...dataset.tieBreak].join(', ');
  return (
    `copy (select ${columns} from daybook.${dataset.name} ` +
    `where ${dataset.anchor} >= ${instantLiteral(start)} ` +
    `and ${dataset.anchor} < ${instantLiteral(end)} ` +
    `order by ${order}) to stdout (format binary)`
  );
}

function expressionOf(field: Field): string {
  return field.type === 'decimal' ? `${field.name}::text` : field.name;
}

/** @throws RangeError when the instant is not a whole number of milliseconds in years 1 to 9999. */
export function instantLiteral(instant: number): string {
  if (!Number.isSafeInteger(instant)) throw new RangeError(`not an instant: ${instant}`);
  return `timestamptz '${new Date(instant).toISOString()}'`;
}
