import type { CellType } from './column.ts';
import type { ColumnSpec, Dimension } from './define-report.ts';
import { FIELD_LABELS, type LabelledField } from './field-labels.ts';
import { hourOfDay, hourStart } from './local-hours.ts';

/** Makers of the dimensions and plain columns of every report. */

export const DAY: Dimension = { key: 'day', type: 'date', labels: FIELD_LABELS.date, of: 'day' };

export function textDimension(key: LabelledField): Dimension {
  return { key, type: 'text', labels: FIELD_LABELS[key], of: { field: key } };
}

export function manyValued(key: LabelledField): Dimension {
  return { ...textDimension(key), manyValues: true };
}

export function hourDimensions(anchor: string): readonly Dimension[] {
  return [
    {
      key: 'hour',
      type: 'integer',
      labels: FIELD_LABELS.hour,
      of: { numbers: hourOfDay(anchor) },
    },
    {
      key: 'hour_start',
      type: 'instant',
      labels: FIELD_LABELS.hour_start,
      of: { numbers: hourStart(anchor) },
    },
  ];
}

/** The column of a dimension or a field under its usual label, which does not merge. */
export function plainColumn(
  key: LabelledField,
  type: CellType = 'text',
  more: Partial<ColumnSpec> = {},
): ColumnSpec {
  return {
    key,
    type,
    unit: null,
    labels: FIELD_LABELS[key],
    merge: 'none',
    shown: true,
    ...more,
  };
}
