import { RowEncoder } from '../ingest/row-encoder.ts';
import type { LoadMap } from '../mapping/load-map.ts';
import type { Row } from '../mapping/row.ts';
import type { RowShape } from '../reports/dataset.ts';
import { LineWriter } from './line-writer.ts';

/** Makes the line of NDJSON that a row goes out as. */
export interface LineMaker {
  lineOf(row: Row): Buffer;
  /** Rows so far that go out as refused. */
  readonly refused: number;
}

/**
 * With a map the rows are made fields here, with the map's zone; without one they go out under the
 * names of their columns.
 * @param fixedCount rows must have as many fields as there are columns
 * @throws DaybookError `E_MAP` for a column of the map that is not there
 */
export function lineMaker(of: {
  readonly dataset: RowShape;
  readonly map: LoadMap | null;
  readonly columns: readonly string[];
  readonly fixedCount: boolean;
}): LineMaker {
  return of.map === null ? plainLines(of) : mappedLines({ ...of, map: of.map });
}

function mappedLines(of: Parameters<typeof lineMaker>[0] & { map: LoadMap }): LineMaker {
  const writer = new LineWriter(of.dataset);
  const encoder = new RowEncoder({ ...of, writer });
  let refused = 0;
  return {
    lineOf(row) {
      if (!encoder.encode(row)) refused++;
      return writer.take();
    },
    get refused() {
      return refused;
    },
  };
}

function plainLines(of: {
  readonly columns: readonly string[];
  readonly fixedCount: boolean;
}): LineMaker {
  const { columns, fixedCount } = of;
  let refused = 0;
  return {
    lineOf(row) {
      const problem =
        row.problem?.reason ??
        (fixedCount && row.count !== columns.length
          ? `the row has ${row.count} fields; expected ${columns.length}`
          : null);
      if (problem !== null) {
        refused++;
        return asLine({ _refused: problem, _raw: row.raw.toString('utf8') });
      }
      const fields: [string, string][] = [];
      for (let i = 0; i < row.count; i++) {
        if (row.ends[i] >= 0) fields.push([columns[i], row.text(i)]);
      }
      return asLine({ ...Object.fromEntries(fields), ...row.rest });
    },
    get refused() {
      return refused;
    },
  };
}

function asLine(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
