import type { OutColumn } from './column.ts';
import { csvHead } from './render/csv-head.ts';
import { FINAL_BLOCK } from './render/deflate.ts';
import { GZIP_HEAD, gzipTail } from './render/gzip.ts';
import { inflatePieces } from './render/inflate.ts';
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
 * being made. The same pieces give the same bytes, however they come.
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
  readonly signal: AbortSignal;
}): Promise<void> {
  const { format, columns, locale, headers, pieces, out, signal } = assembly;
  if (format === 'csv.gz') return writeGzip(csvHead(columns, locale, headers), pieces, out, signal);
  if (format === 'csv') await out(csvHead(columns, locale, headers));
  for await (const raw of inflatePieces(pieces, signal)) await out(raw);
}

async function writeGzip(
  header: Buffer,
  pieces: AsyncIterable<OpenedPiece>,
  out: Sink,
  signal: AbortSignal,
): Promise<void> {
  const head = deflateOwn(header);
  const runs: Run[] = [head];
  await out(GZIP_HEAD);
  await out(head.data);
  for await (const { piece, open } of pieces) {
    await copyPiece(runs.length - 1, piece, open, out, signal);
    runs.push(piece);
  }
  await out(FINAL_BLOCK);
  await out(gzipTail(joinRuns(runs)));
}
