import { z } from 'zod';
import { DaybookError } from '../errors.ts';

/** The header for schemas: its form is described here and checked by {@link idempotencyKeyOf}. */
export const IdempotencyKey = z
  .string()
  .meta({ minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' })
  .optional()
  .describe('The same key and body again within 24 h: the same answer, and nothing is made twice.');

/** @throws DaybookError `E_USAGE` unless it is 1 to 255 visible ASCII characters. */
export function idempotencyKeyOf(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new DaybookError('E_USAGE', {
    where: 'Idempotency-Key',
    got: JSON.stringify(String(header).slice(0, 100)),
    expected: '1 to 255 visible ASCII characters',
  });
}
