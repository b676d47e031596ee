import { type ChunkColumn, isNumberColumn } from '../reports/chunk.ts';
import { Span } from './span.ts';
import {
  refuseInstant,
  refuseInteger,
  refuseNone,
  refuseText,
  type ValueRefusal,
  type ValueRule,
} from './value-rule.ts';

/**
 * Holds a column that came typed, past the map, to the same rules as one that the map has read.
 * Null: all of its rows are good. What had to be trimmed must have been.
 */
export function checkColumn(
  rule: ValueRule,
  column: ChunkColumn,
): { readonly row: number; readonly refusal: ValueRefusal } | null {
  if (isNumberColumn(column)) {
    const refuse = column.type === 'instant' ? refuseInstant : refuseInteger;
    const { values } = column;
    for (let row = 0; row < values.length; row++) {
      const refusal = refuse(rule, values[row]);
      if (refusal) return { row, refusal };
    }
    return null;
  }
  const { field, choices, isKey } = rule;
  const anyText = field.type === 'text' && choices === null && !isKey;
  if (anyText && !field.required) return null;
  const { offsets } = column;
  const span = new Span();
  const bytes = Buffer.from(column.bytes.buffer, column.bytes.byteOffset, column.bytes.byteLength);
  for (let row = 0; row + 1 < offsets.length; row++) {
    let refusal: ValueRefusal | null = null;
    if (offsets[row] === offsets[row + 1]) refusal = refuseNone(rule);
    else if (!anyText) {
      span.set(bytes, offsets[row], offsets[row + 1]);
      refusal = refuseText(rule, span);
    }
    if (refusal) return { row, refusal };
  }
  return null;
}
