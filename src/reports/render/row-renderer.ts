import type { Chunk, Selection } from '../chunk.ts';
import type { FragmentSpec } from '../fragment.ts';
import { selectRows } from '../select-rows.ts';
import type { RowForm } from './cell-writer.ts';
import { csvForm } from './csv-cells.ts';
import { ndjsonForm } from './ndjson-cells.ts';
import { renderByColumns } from './rows-by-columns.ts';
import { renderByRows } from './rows-by-rows.ts';
import type { RenderZone } from './wall-clock.ts';
import { xlsxForm } from './xlsx-cells.ts';

export type { RenderZone } from './wall-clock.ts';

export interface RowRenderer {
  /**
   * Renders the selected rows of a chunk whose columns bear the keys of the fragment's columns.
   * @param firstRow xlsx with references: the sheet row of the first one; null: without
   * @returns bytes that hold until the next call
   * @throws RangeError when the chunk lacks a column, or holds one of another type
   */
  render(chunk: Chunk, selection: Selection, firstRow: number | null): RenderedRows;
}

export interface RenderedRows {
  readonly bytes: Buffer;
  readonly rows: number;
}

/**
 * A renderer of rows into the bytes of one form: by whole columns where the form can, else row by
 * row. Cells go from the columns straight into one buffer; a cell is never a string.
 */
export function createRowRenderer(spec: FragmentSpec, zone: RenderZone): RowRenderer {
  const keys = spec.columns.map(({ key }) => key);
  const bare = formOf(spec, zone, false);
  let numbered: RowForm | null = null;
  return {
    render(chunk, selection, firstRow) {
      const references = firstRow !== null && spec.form === 'xlsx';
      if (references) numbered ??= formOf(spec, zone, true);
      const form = references && numbered ? numbered : bare;
      const chosen = selectRows(chunk, selection);
      const bytes = form.byColumns
        ? renderByColumns(form, form.byColumns, keys, chosen, references ? firstRow : null)
        : renderByRows(form, keys, chosen, firstRow);
      return { bytes, rows: chosen.rows };
    },
  };
}

function formOf(spec: FragmentSpec, zone: RenderZone, references: boolean): RowForm {
  switch (spec.form) {
    case 'csv':
      return csvForm(spec.columns, spec.locale, zone);
    case 'ndjson':
      return ndjsonForm(spec.columns, zone);
    case 'xlsx':
      return xlsxForm(spec.columns, spec.locale, zone, references);
  }
}
