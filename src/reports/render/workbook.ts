import { DaybookError } from '../../errors.ts';
import type { ReportDocument } from '../document.ts';
import type { Piece } from '../fragment.ts';
import { FINAL_BLOCK } from './deflate.ts';
import { cutDetailXml } from './detail-xml.ts';
import { planSheets, SHEET_COLUMNS } from './sheet-plan.ts';
import {
  copyPiece,
  deflateOwn,
  deflateWhole,
  joinRuns,
  type OpenPiece,
  type Sink,
} from './splice.ts';
import { detailSheetName } from './workbook-labels.ts';
import { makeWorkbookPackage } from './workbook-package.ts';
import { ZipWriter } from './zip-writer.ts';

export interface WorkbookParts {
  readonly document: ReportDocument;
  readonly pieces: readonly Piece[];
  readonly openPiece: OpenPiece;
  readonly cellRefs: boolean;
  readonly out: Sink;
  readonly signal: AbortSignal;
}

/** A Detail sheet and the pieces that it is made of, as a range of their indexes. */
interface FilledSheet {
  readonly name: string;
  readonly rows: number;
  readonly firstPiece: number;
  readonly endPiece: number;
}

/**
 * Splices pieces into a workbook: the package is made small, then each Detail sheet is written as
 * its head, its pieces as they are, and its tail, in one entry.
 * @returns how many Detail sheets there are
 * @throws DaybookError `E_TOO_LARGE` when there are more columns than a sheet has
 */
export async function writeWorkbook(parts: WorkbookParts): Promise<number> {
  const { document, pieces } = parts;
  if (document.columns.length > SHEET_COLUMNS) {
    throw new DaybookError('E_TOO_LARGE', {
      where: 'columns',
      got: document.columns.length,
      expected: SHEET_COLUMNS,
    });
  }
  const sheets = fillSheets(pieces);
  const zip = new ZipWriter(parts.out);
  for (const entry of await makeWorkbookPackage(document, sheets)) {
    if (entry.detail === null) await zip.addWhole(entry.name, deflateWhole(entry.bytes));
    else await addDetail(zip, entry.name, entry.bytes, sheets[entry.detail], parts);
  }
  await zip.end();
  return sheets.length;
}

function fillSheets(pieces: readonly Piece[]): FilledSheet[] {
  const placed = planSheets(pieces.map(({ rows }) => rows));
  const count = placed.length === 0 ? 1 : placed[placed.length - 1].sheet;
  return Array.from({ length: count }, (_, index) => {
    const first = placed.findIndex(({ sheet }) => sheet === index + 1);
    const firstPiece = first < 0 ? 0 : first;
    const endPiece = placed.findLastIndex(({ sheet }) => sheet === index + 1) + 1;
    const own = pieces.slice(firstPiece, endPiece);
    const rows = own.reduce((sum, piece) => sum + piece.rows, 0);
    return { name: detailSheetName(index + 1), rows, firstPiece, endPiece };
  });
}

async function addDetail(
  zip: ZipWriter,
  name: string,
  shell: Buffer,
  sheet: FilledSheet,
  { document, pieces, openPiece, cellRefs, signal }: WorkbookParts,
): Promise<void> {
  const xml = cutDetailXml(shell.toString('utf8'), document.columns, sheet.rows, cellRefs);
  const head = deflateOwn(Buffer.from(xml.head));
  const tail = deflateOwn(Buffer.from(xml.tail));
  const own = pieces.slice(sheet.firstPiece, sheet.endPiece);
  await zip.add(name, joinRuns([head, ...own, tail]), async (out) => {
    await out(head.data);
    for (const [index, piece] of own.entries()) {
      const at = sheet.firstPiece + index;
      await copyPiece(at, piece, () => openPiece(at), out, signal);
    }
    await out(tail.data);
    await out(FINAL_BLOCK);
  });
}
