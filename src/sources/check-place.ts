import { DaybookError } from '../errors.ts';
import type { FieldSource, LoadMap } from '../mapping/load-map.ts';
import { datasetOf } from '../reports/dataset.ts';
import type { ForeignPlace } from './foreign-source.ts';

/**
 * What every place must be like, whatever stands behind it: the anchor is a plain column, since
 * windows are asked for by it, and no field is a row's number, since that changes from reading to
 * reading.
 * @throws DaybookError `E_MAP`
 */
export function checkPlace({ dataset, map, anchorColumn }: ForeignPlace): void {
  const { anchor } = datasetOf(dataset);
  const at = `fields.${anchor}`;
  if (map.fields === null) {
    if (anchorColumn !== anchor) refuse('anchor column', anchorColumn, anchor);
    return;
  }
  const source = map.fields.get(anchor);
  if (source?.text.kind !== 'column') refuse(at, 'no single column', 'the anchor column itself');
  if (source.text.column !== anchorColumn) refuse(at, source.text.column, anchorColumn);
  if (source.match || source.when || source.empty.length > 0 || source.after !== null) {
    refuse(at, 'match, when, empty or after', 'the anchor column as it is');
  }
  if (numbersRows(map)) refuse('row_number', 'it', 'columns only: a row has no lasting number');
}

function numbersRows({ fields }: LoadMap): boolean {
  const does = ({ text }: FieldSource): boolean =>
    text.kind === 'row_number' ||
    (text.kind === 'join' && text.parts.some((part) => part.kind === 'row_number')) ||
    (text.kind === 'latest' && text.of.some(does));
  return [...(fields?.values() ?? [])].some(does);
}

function refuse(where: string, got: string, expected: string): never {
  throw new DaybookError('E_MAP', { where, got, expected });
}
