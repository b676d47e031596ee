/** Rows of a sheet at most, the header included; a limit of the format. */
export const SHEET_ROWS = 1_048_576;

/** Columns of a sheet at most. */
export const SHEET_COLUMNS = 16_384;

/** Where a piece's rows stand. */
export interface PlacedPiece {
  /** 1 is `Detail`, 2 is `Detail 2`. */
  readonly sheet: number;
  /** The sheet row of the piece's first row; the header is row 1. */
  readonly firstRow: number;
}

/**
 * Spreads pieces over Detail sheets, in order: a piece that no longer fits begins a new sheet.
 * @param pieceRows rows of each piece; none may have more than a sheet holds below its header
 * @param maxRows rows of a sheet at most, the header included
 * @throws RangeError when a piece alone is too long for a sheet
 */
export function planSheets(
  pieceRows: readonly number[],
  maxRows: number = SHEET_ROWS,
): PlacedPiece[] {
  let sheet = 1;
  let firstRow = 2;
  return pieceRows.map((rows) => {
    if (rows > maxRows - 1) throw new RangeError(`a piece of ${rows} rows fits no sheet`);
    if (firstRow + rows - 1 > maxRows) {
      sheet++;
      firstRow = 2;
    }
    const placed = { sheet, firstRow };
    firstRow += rows;
    return placed;
  });
}
