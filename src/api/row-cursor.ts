import { DaybookError } from '../errors.ts';

/** A place in a list that is ordered by an instant and a text, opaque for clients. */
export interface RowCursor {
  readonly at: Date;
  readonly key: string;
}

export function writeRowCursor({ at, key }: RowCursor): string {
  return Buffer.from(`${at.getTime()} ${key}`).toString('base64url');
}

/** @throws DaybookError `E_INVALID` for anything that {@link writeRowCursor} did not make */
export function readRowCursor(text: string | undefined): RowCursor | null {
  if (text === undefined) return null;
  const match = /^(-?\d{1,15}) (.+)$/s.exec(Buffer.from(text, 'base64url').toString('utf8'));
  if (match && !match[2].includes('\0')) return { at: new Date(Number(match[1])), key: match[2] };
  throw new DaybookError('E_INVALID', {
    where: 'cursor',
    got: JSON.stringify(text.slice(0, 100)),
    expected: 'the next_cursor of an earlier page',
  });
}
