import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DaybookError, ERRORS, toDaybookError, toPlainError } from '../src/errors.ts';

const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `E_'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, code, status, again, message, advice]) => ({ code, status, again, message, advice }));

describe('docs/errors.md', () => {
  test('lists the codes of src/errors.ts with their status, retryability and message, in order', () => {
    const expected = Object.entries(ERRORS).map(([code, { status, retryable, template }]) => ({
      code: `\`${code}\``,
      status: String(status),
      again: retryable ? 'yes' : 'no',
      message: `\`${template}\``,
    }));
    expect(rows.map(({ advice: _, ...row }) => row)).toEqual(expected);
  });

  test('says for each code what to do about it, in at least one sentence', () => {
    expect(rows.filter((row) => !/^[A-Z].{10,}\.$/.test(row.advice))).toEqual([]);
  });
});

describe('an error', () => {
  test('fills its message from its details, and says what was not given', () => {
    const error = new DaybookError('E_DATE', { where: 'from' });
    expect(error.message).toBe(
      'from: (not given) is not a date of the calendar; expected YYYY-MM-DD',
    );
  });

  test('has the status and the retryability of its code', () => {
    const { status, retryable } = new DaybookError('E_BUSY', { got: 'x', retryAfterSeconds: 5 });
    expect({ status, retryable }).toEqual({ status: 503, retryable: true });
  });

  test.each(['ENOSPC', 'EDQUOT'])(
    'of the system, %s, becomes E_NO_SPACE and keeps its cause',
    (code) => {
      const thrown = Object.assign(new Error('write'), { code });
      expect(toDaybookError(thrown)).toMatchObject({ code: 'E_NO_SPACE', cause: thrown });
    },
  );

  test('without a code of ours becomes E_INTERNAL, whatever was thrown', () => {
    for (const thrown of [new Error('boom'), 'boom']) {
      expect(toPlainError(thrown)).toEqual({
        code: 'E_INTERNAL',
        message: 'something failed inside: boom',
        details: { reason: 'boom' },
      });
    }
    expect(toPlainError(undefined).code).toBe('E_INTERNAL');
  });
});
