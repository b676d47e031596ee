import { chunkFromRows } from '../chunk.ts';
import type { OutColumn } from '../column.ts';
import type { Headers, Locale } from '../request.ts';
import { csvDialectOf } from './csv-dialect.ts';
import { createRowRenderer } from './row-renderer.ts';

/** What a CSV file begins with: the byte order mark where the dialect has one, and the header. */
export function csvHead(columns: readonly OutColumn[], locale: Locale, headers: Headers): Buffer {
  const asText = columns.map((column): OutColumn => ({ ...column, type: 'text' }));
  const { bytes } = createRowRenderer(
    { form: 'csv', columns: asText, locale, headers, firstRows: null },
    { name: 'UTC', stretches: [] },
  ).render(
    chunkFromRows(
      columns.map(({ key }) => ({ name: key, type: 'text' })),
      [columns.map(({ header }) => header)],
    ),
    null,
    null,
  );
  const mark = csvDialectOf(locale).byteOrderMark ? Buffer.from('\ufeff', 'utf8') : Buffer.alloc(0);
  return Buffer.concat([mark, bytes]);
}
