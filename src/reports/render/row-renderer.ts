import { type Chunk, columnOf, type Selection } from '../chunk.ts';
import type { FragmentSpec } from '../fragment.ts';
import { growBytes, writeBytes } from './bytes.ts';
import { ROW_BEGIN_BYTES, type RowForm } from './cell-writer.ts';
import { csvForm } from './csv-cells.ts';
import { ndjsonForm } from './ndjson-cells.ts';
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

const FIRST_CAPACITY_BYTES = 1 << 20;

/**
 * A renderer of rows into the bytes of one form. Cells go from the columns straight into one
 * growing buffer; a cell is never a string.
 */
export function createRowRenderer(spec: FragmentSpec, zone: RenderZone): RowRenderer {
  const bare = formOf(spec, zone, false);
  let out: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY_BYTES);
  let numbered: RowForm | null = null;
  return {
    render(chunk, selection, firstRow) {
      let form = bare;
      if (firstRow !== null && spec.form === 'xlsx') {
        numbered ??= formOf(spec, zone, true);
        form = numbered;
      }
      const { end, cells } = form;
      let bound = ROW_BEGIN_BYTES + end.length;
      spec.columns.forEach((column, index) => {
        bound += cells[index].bind(columnOf(chunk, column.key));
      });
      const rows = selection === null ? chunk.rows : selection.length;
      const firstNumber = firstRow ?? 0;
      let at = 0;
      for (let i = 0; i < rows; i++) {
        if (at + bound > out.length) out = growBytes(out, at, at + bound);
        const row = selection === null ? i : selection[i];
        at = form.begin(out, at, firstNumber + i);
        for (let c = 0; c < cells.length; c++) at = cells[c].write(out, at, row);
        at = writeBytes(out, at, end);
      }
      return { bytes: out.subarray(0, at), rows };
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
