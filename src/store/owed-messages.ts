import type { FileBlock } from '../reports/stored-form.ts';
import type { Tx } from './database.ts';
import { type FileRow, findBlocksOfFile, findFile } from './files.ts';
import { findOccurrences, type OccurrenceRow } from './occurrences.ts';
import { findReportFile, type ReportFileRow } from './report-files.ts';

/** What a message is made of, as it stands now. Tenant transactions. */

export interface OwedFile {
  readonly sealed: ReportFileRow;
  readonly file: FileRow;
  readonly blocks: readonly FileBlock[] | null;
}

export interface OwedPart {
  readonly occurrence: OccurrenceRow;
  /** Null: a notice. */
  readonly owed: OwedFile | null;
}

/** Null: what it was of is gone. */
export async function readOwed(
  tx: Tx,
  of: { readonly occurrenceId: string; readonly reportFileId: string | null },
): Promise<OwedPart | null> {
  const [[occurrence], owed] = await Promise.all([
    findOccurrences(tx, [of.occurrenceId]),
    of.reportFileId === null ? null : readOwedFile(tx, of.reportFileId),
  ]);
  if (!occurrence || (of.reportFileId !== null && !owed)) return null;
  return { occurrence, owed };
}

export async function readOwedFile(tx: Tx, reportFileId: string): Promise<OwedFile | null> {
  const sealed = await findReportFile(tx, reportFileId);
  if (!sealed) return null;
  const [file, blocks] = await Promise.all([
    findFile(tx, sealed.fileId),
    findBlocksOfFile(tx, sealed.fileId),
  ]);
  return file && { sealed, file, blocks };
}
