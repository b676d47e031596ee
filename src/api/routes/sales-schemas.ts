import { z } from 'zod';
import { parseDecimal } from '../../money/decimal.ts';

/** What the routes of sales share: names, money, pages. */

/** A key or sku: it stands in addresses and lists. */
export const KeyText = z
  .string()
  .trim()
  .regex(/^[^\p{Cc},/?#%]{1,200}$/u, '1 to 200 characters, none of them one of , / ? # %');
export const TitleText = z
  .string()
  .trim()
  .regex(/^\P{Cc}{1,200}$/u, '1 to 200 characters, none of them a control character');
export const CurrencyText = z.string().regex(/^[A-Z]{3}$/, 'three capital letters such as EUR');
export const DateText = z.iso.date();

/** An exact decimal, as text; at most 20 digits. */
export const DecimalText = z
  .string()
  .max(22)
  .refine((text) => parseDecimal(text) !== null, 'a decimal such as 12.50');
export const AmountText = DecimalText.refine(
  (text) => !text.startsWith('-'),
  'a decimal of 0 or more such as 12.50',
);
export const QuantityText = DecimalText.refine(
  (text) => (parseDecimal(text)?.unscaled ?? 0n) > 0n,
  'a decimal above 0 such as 2',
);

export const KeyPage = z.strictObject({
  after: z.string().max(200).default('').describe('A key; empty: from the first.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export const orNull = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);

/** A page of what was asked for one more of, and where the next begins. */
export function pageOf<T>(
  found: readonly T[],
  limit: number,
  keyOf: (item: T) => string,
): { items: T[]; next_after: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next_after: found.length > limit && last ? keyOf(last) : null };
}
