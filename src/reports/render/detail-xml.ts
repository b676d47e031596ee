import { DaybookError } from '../../errors.ts';
import type { OutColumn } from '../column.ts';
import { columnLetters } from './column-letters.ts';

/** A Detail sheet's XML around its rows. */
export interface DetailXml {
  readonly head: string;
  readonly tail: string;
}

/**
 * Cuts the sheet that holds only a header where its rows are to go, and makes what it says of
 * its extent true: its dimension with references, none without, because none is asked for.
 * Columns of text are marked as such, or Excel would flag every telephone number.
 * @throws DaybookError `E_INTERNAL` when the sheet is not of the shape expected
 */
export function cutDetailXml(
  sheetXml: string,
  columns: readonly OutColumn[],
  rows: number,
  references: boolean,
): DetailXml {
  const [head, tail, ...more] = sheetXml.split('</sheetData>');
  if (tail === undefined || more.length > 0 || !tail.endsWith('</worksheet>')) {
    throw new DaybookError('E_INTERNAL', { reason: 'the Detail sheet has another shape' });
  }
  const extent = `A1:${columnLetters(columns.length - 1)}${rows + 1}`;
  const dimension = references ? `<dimension ref="${extent}"/>` : '';
  return {
    head: head.replace(/<dimension [^>]*\/>/, dimension),
    tail: `</sheetData>${tail.replace(/<\/worksheet>$/, `${ignoredErrors(columns, rows)}</worksheet>`)}`,
  };
}

function ignoredErrors(columns: readonly OutColumn[], rows: number): string {
  const ranges = columns.flatMap(({ type }, index) => {
    const letters = columnLetters(index);
    return type === 'text' ? [`${letters}2:${letters}${rows + 1}`] : [];
  });
  if (ranges.length === 0 || rows === 0) return '';
  return `<ignoredErrors><ignoredError sqref="${ranges.join(' ')}" numberStoredAsText="1"/></ignoredErrors>`;
}
