import { z } from 'zod';
import {
  CELL_REFS,
  FILTER_OPS,
  FORMATS,
  GRAINS,
  HEADERS,
  LOCALES,
  REPORT_NAMES,
} from '../../reports/request.ts';

/**
 * The body of an export request: shapes only. What the names and values mean is checked where
 * reports are parsed, which tells more of what was expected.
 */

export const named = (values: readonly string[]) =>
  z
    .string(`one of ${values.join(', ')}`)
    .max(200)
    .meta({ enum: [...values] });
export const LocalDate = z
  .string('a date as YYYY-MM-DD')
  .max(200)
  .meta({ format: 'date', examples: ['2026-03-01'] });

export const FilterBody = z.strictObject({
  field: z.string().max(200),
  op: named(FILTER_OPS),
  values: z.array(z.string().max(10_000)).min(1).max(10_000),
});

export const ParamsBody = z.record(
  z.string().max(200),
  z.union([z.string().max(10_000), z.number(), z.boolean()]),
);

export const ExportBody = z.strictObject({
  report: named(REPORT_NAMES),
  from: LocalDate.describe('First local date.'),
  to: LocalDate.describe('Last local date, inclusive.'),
  format: named(FORMATS),
  zone: z.string().max(200).optional().describe("An IANA zone in place of the tenant's."),
  grain: named(GRAINS).optional(),
  columns: z.array(z.string().max(200)).max(500).optional(),
  where: z.array(FilterBody).max(200).optional().describe('Joined by AND.'),
  params: ParamsBody.optional(),
  locale: named(LOCALES).optional(),
  headers: named(HEADERS).optional(),
  cell_refs: named(CELL_REFS).optional(),
});
export type ExportBody = z.infer<typeof ExportBody>;
