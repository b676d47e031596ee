import type { OutColumn } from './column.ts';
import { csvHead } from './render/csv-head.ts';
import { FINAL_BLOCK } from './render/deflate.ts';
import { GZIP_HEAD, gzipTail } from './render/gzip.ts';
import {
  copyPiece,
  deflateOwn,
  joinRuns,
  type OpenedPiece,
  type Run,
  type Sink,
} from './render/splice.ts';
import type { Format, Headers, Locale } from './request.ts';

/** Formats that are a head and pieces and nothing that must be known of all pieces first. */
export type TextFormat = 'csv' | 'csv.gz' | 'ndjson';

export function isTextFormat(format: Format): format is TextFormat {
  return format === 'csv' || format === 'csv.gz' || format === 'ndjson';
}

/**
 * Makes a text file from pieces as they come, so that it can begin while later ones are still
 * being made: one gzip member, whether it is served as that or as the text in it. The same pieces
 * give the same bytes, however they come.
 * @throws DaybookError `E_PART_DAMAGED` when a piece is not what it says; what the pieces throw;
 *   the signal's reason. What went out by then is no whole file.
 */
export async function assembleText(assembly: {
  readonly format: TextFormat;
  readonly columns: readonly OutColumn[];
  readonly locale: Locale;
  readonly headers: Headers;
  readonly pieces: AsyncIterable<OpenedPiece>;
  readonly out: Sink;
  /** Hears, behind the member's head and all that follows, what inflates alone, and to how much. */
  readonly cut: (rawBytes: number) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { format, columns, locale, headers, pieces, out, cut, signal } = assembly;
  await out(GZIP_HEAD);
  cut(0);
  const runs: Run[] = [];
  if (format !== 'ndjson') {
    const head = deflateOwn(csvHead(columns, locale, headers));
    await out(head.data);
    cut(head.rawBytes);
    runs.push(head);
  }
  let index = 0;
  for await (const { piece, open } of pieces) {
    await copyPiece(index++, piece, open, out, signal);
    cut(piece.rawBytes);
    runs.push(piece);
  }
  await out(FINAL_BLOCK);
  await out(gzipTail(joinRuns(runs)));
  cut(0);
}
