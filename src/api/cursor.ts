import { DaybookError } from '../errors.ts';
import type { RunCursor } from '../store/runs.ts';

/** Places in lists as clients carry them: opaque text, checked when it comes back. */

export function writeCursor(cursor: RunCursor | null): string | null {
  if (cursor === null) return null;
  return Buffer.from(`${cursor.createdAtMicros} ${cursor.id}`).toString('base64url');
}

/** @throws DaybookError `E_INVALID` for anything that `writeCursor` did not make. */
export function readCursor(text: string | undefined): RunCursor | null {
  if (text === undefined) return null;
  const plain = Buffer.from(text, 'base64url').toString('latin1');
  const match = /^(\d{1,17}) ([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/.exec(
    plain,
  );
  if (match) return { createdAtMicros: match[1], id: match[2] };
  throw new DaybookError('E_INVALID', {
    where: 'cursor',
    got: JSON.stringify(text.slice(0, 100)),
    expected: 'the next_cursor of an earlier page',
  });
}
