import { createHash } from 'node:crypto';
import type { Period } from '../time/period.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Filter, ReportRequest } from './request.ts';
import type { Recipient, ScheduleSpec } from './schedule-spec.ts';

/** What is made for an occurrence: a file for each set of effective parameters and filters. */

export interface Variant {
  /** SHA-256 of the request, hex. */
  readonly variant: string;
  readonly request: ReportRequest;
  readonly recipients: readonly Recipient[];
}

/** In the order of the recipients; those who are to get the same bytes share one. */
export function variantsOf(spec: ScheduleSpec, period: Period): Variant[] {
  const variants = new Map<string, Variant>();
  for (const recipient of spec.recipients) {
    const request = requestOf(spec, period, recipient.where);
    const variant = digest(request);
    const { recipients } = variants.get(variant) ?? { recipients: [] };
    variants.set(variant, { variant, request, recipients: [...recipients, recipient] });
  }
  return [...variants.values()];
}

/** By what revisions are counted: SHA-256 of report, parameters, filter, zone and period, hex. */
export function subjectOf(request: ReportRequest): string {
  const { report, grain, params, where, zone, period } = request;
  return digest({ report, grain, params, where, zone, period });
}

function requestOf(spec: ScheduleSpec, period: Period, narrowed: readonly Filter[]): ReportRequest {
  const { report, format, zone, grain, columns, params, locale, headers, cellRefs } = spec;
  const where = [...spec.where, ...narrowed];
  const texts = where.map((filter) => JSON.stringify(filter));
  return {
    ...{ report, period, format, zone, grain, columns, params, locale, headers, cellRefs },
    where: where.filter((_, index) => texts.indexOf(texts[index]) === index),
    cache: true,
  };
}

function digest(value: object): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
