import { DaybookError } from '../errors.ts';
import { assembleText } from './assemble-text.ts';
import type { ReportDocument } from './document.ts';
import type { Piece } from './fragment.ts';
import { csvHead } from './render/csv-head.ts';
import { FINAL_BLOCK } from './render/deflate.ts';
import { manifestOf } from './render/manifest.ts';
import { fileNameOf } from './render/media-types.ts';
import {
  copyPiece,
  deflateOwn,
  deflateWhole,
  joinRuns,
  type OpenPiece,
  type OwnRun,
  openedPieces,
  type Run,
  type Sink,
} from './render/splice.ts';
import { writeWorkbook } from './render/workbook.ts';
import { ZipWriter } from './render/zip-writer.ts';

export interface Assembly {
  readonly document: ReportDocument;
  /** Of the fragment form that the document's format is made of, in order. */
  readonly pieces: readonly Piece[];
  /** Opens the compressed bytes of a piece; each is opened once, at most one ahead. */
  readonly openPiece: OpenPiece;
  /** Whether the pieces were rendered with references; of no meaning outside xlsx. */
  readonly cellRefs: boolean;
  readonly out: Sink;
  /** Of text: see {@link assembleText}. */
  readonly cut?: (rawBytes: number) => void;
  readonly signal: AbortSignal;
}

export interface Assembled {
  readonly bytes: number;
  /** Detail rows. */
  readonly rows: number;
  /** Detail sheets; 0 where the format has none. */
  readonly sheets: number;
}

/**
 * Makes a file of any format from a report's pieces, from the front to the end, as it is stored:
 * pieces stay deflated. The same document and pieces give the same bytes.
 * @throws DaybookError `E_TOTALS_MISMATCH` when pieces and document differ in rows,
 *   `E_PART_DAMAGED` when a piece is not what it says, `E_TOO_LARGE` when a sheet cannot hold it;
 *   the signal's reason when it aborts. What went out by then is no whole file.
 */
export async function assembleFile(assembly: Assembly): Promise<Assembled> {
  const { document, pieces, signal } = assembly;
  const rows = pieces.reduce((sum, piece) => sum + piece.rows, 0);
  if (rows !== document.rows) {
    throw new DaybookError('E_TOTALS_MISMATCH', {
      where: `rows of ${document.report}`,
      got: rows,
      expected: document.rows,
    });
  }
  let bytes = 0;
  const out: Sink = async (chunk) => {
    signal.throwIfAborted();
    bytes += chunk.length;
    await assembly.out(chunk);
  };
  const sheets = await writeFile({ ...assembly, out });
  signal.throwIfAborted();
  return { bytes, rows, sheets };
}

/** @returns how many Detail sheets there are */
async function writeFile(assembly: Assembly): Promise<number> {
  const { document } = assembly;
  switch (document.format) {
    case 'csv':
    case 'csv.gz':
    case 'ndjson':
      await assembleText({
        format: document.format,
        columns: document.columns,
        locale: document.locale,
        headers: document.headers,
        pieces: openedPieces(assembly.pieces, assembly.openPiece),
        out: assembly.out,
        cut: assembly.cut ?? (() => {}),
        signal: assembly.signal,
      });
      return 0;
    case 'zip':
      await writeZip(assembly);
      return 0;
    case 'xlsx':
      return await writeWorkbook(assembly);
  }
}

function headOf({ columns, locale, headers }: ReportDocument): Buffer {
  return csvHead(columns, locale, headers);
}

async function writeZip(assembly: Assembly): Promise<void> {
  const { document, pieces, out } = assembly;
  const head = deflateOwn(headOf(document));
  const content: Run = joinRuns([head, ...pieces]);
  const { tenant, report, period, revision } = document;
  const name = fileNameOf({ tenant, report, period, format: 'csv', revision });
  const zip = new ZipWriter(out);
  await zip.add(name, content, (into) => writeDeflated(assembly, head, into));
  await zip.addWhole('manifest.json', deflateWhole(manifestOf(document, { name, content })));
  await zip.end();
}

async function writeDeflated(assembly: Assembly, head: OwnRun, out: Sink): Promise<void> {
  const { pieces, openPiece, signal } = assembly;
  await out(head.data);
  for (const [index, piece] of pieces.entries()) {
    await copyPiece(index, piece, () => openPiece(index), out, signal);
  }
  await out(FINAL_BLOCK);
}
