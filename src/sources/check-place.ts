import { DaybookError } from '../errors.ts';
import type { LoadMap, SourceText } from '../mapping/load-map.ts';
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
  if (map.legs) refuse('legs', 'true', 'rows that are whole: legs are folded when they are loaded');
  const at = `fields.${anchor}`;
  if (map.fields === null) {
    if (anchorColumn !== anchor) refuse('anchor column', anchorColumn, anchor);
    return;
  }
  const source = map.fields.get(anchor);
  if (source?.text.kind !== 'column') refuse(at, 'no single column', 'the anchor column itself');
  if (source.text.column !== anchorColumn) refuse(at, source.text.column, anchorColumn);
  const { match, when, empty, after, trim, fallback } = source;
  if (match || when || empty.length > 0 || after !== null || trim || fallback !== null) {
    refuse(at, 'match, when, empty, after, trim or default', 'the anchor column as it is');
  }
  if (numbersRows(map)) refuse('row_number', 'it', 'columns only: a row has no lasting number');
}

function numbersRows({ fields }: LoadMap): boolean {
  const isNumber = (text: SourceText): boolean =>
    text.kind === 'row_number' ||
    (text.kind === 'join' && text.parts.some(isNumber)) ||
    (text.kind === 'first' && text.of.some(isNumber)) ||
    (text.kind === 'latest' && text.of.some((each) => isNumber(each.text)));
  return [...(fields?.values() ?? [])].some(({ text }) => isNumber(text));
}

function refuse(where: string, got: string, expected: string): never {
  throw new DaybookError('E_MAP', { where, got, expected });
}
