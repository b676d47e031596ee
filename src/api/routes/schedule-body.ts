import { z } from 'zod';
import {
  CELL_REFS,
  FORMATS,
  GRAINS,
  HEADERS,
  LOCALES,
  REPORT_NAMES,
} from '../../reports/request.ts';
import { CATCH_UP, EMPTY, EVERY, IF_INCOMPLETE } from '../../reports/schedule-spec.ts';
import { FilterBody, named, ParamsBody } from './export-body.ts';

/** The body of a schedule: shapes only. What the names and values mean is checked where it is parsed. */

const text = z.string().max(200);
const RecipientBody = z.strictObject({
  email: z.string().max(1_000).optional(),
  webhook: z.string().max(4_000).optional(),
  discord: z.string().max(4_000).optional(),
  slack: z.string().max(4_000).optional(),
  where: z.array(FilterBody).max(200).optional().describe('Narrows what this recipient gets.'),
});

const FIELDS = {
  name: text.optional().describe('By default, its report and rule.'),
  report: named(REPORT_NAMES),
  format: named(FORMATS).optional(),
  period: text.describe('yesterday, previous-week, previous-month, month-to-date, last-N-days'),
  every: named(EVERY).optional(),
  on: z
    .union([text, z.number()])
    .optional()
    .describe('mon … sun of a week; 1 … 31 or last of a month, which a short month ends.'),
  at: text.optional().describe('Local time, HH:MM.'),
  cron: text.optional().describe('Five fields, in local time.'),
  zone: text.optional().describe("An IANA zone in place of the tenant's."),
  grain: named(GRAINS).optional(),
  columns: z.array(text).max(500).optional(),
  where: z.array(FilterBody).max(200).optional().describe('Joined by AND.'),
  params: ParamsBody.optional(),
  locale: named(LOCALES).optional(),
  headers: named(HEADERS).optional(),
  cell_refs: named(CELL_REFS).optional(),
  recipients: z.array(RecipientBody).max(1_000).optional(),
  empty: named(EMPTY).optional(),
  catch_up: named(CATCH_UP).optional(),
  if_incomplete: named(IF_INCOMPLETE).optional(),
  hold_hours: z.number().optional(),
  max_attachment_bytes: z.number().optional(),
};

export const ScheduleBody = z.strictObject(FIELDS);

/** Any of the fields; null takes one back to its default. */
export const ScheduleChangeBody = z.strictObject(
  Object.fromEntries(
    Object.entries(FIELDS).map(([key, field]) => [key, z.union([field, z.null()]).optional()]),
  ),
);
