import { DaybookError } from '../errors.ts';

/** A place in a list that is ordered by a growing number, opaque for clients. */
export function writeSequence(number: string | null): string | null {
  return number === null ? null : Buffer.from(number).toString('base64url');
}

/** @throws DaybookError `E_INVALID` for anything that {@link writeSequence} did not make */
export function readSequence(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const number = Buffer.from(text, 'base64url').toString('latin1');
  if (/^[1-9]\d{0,17}$/.test(number)) return number;
  throw new DaybookError('E_INVALID', {
    where: 'cursor',
    got: JSON.stringify(text.slice(0, 100)),
    expected: 'the next_cursor of an earlier page',
  });
}
