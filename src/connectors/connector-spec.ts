import { z } from 'zod';
import { DaybookError } from '../errors.ts';
import { parseLoadMap } from '../mapping/parse-load-map.ts';
import { datasetOf } from '../reports/dataset.ts';
import { parseCron } from '../time/cron-expression.ts';
import { parseZone } from '../time/zone.ts';

/** What a connector fetches, as people write it; checked once, kept as it is. */

/** What the secret of a connector is sealed for. */
export function secretOf(tenantId: string, connectorId: string): string {
  return `connector ${tenantId} ${connectorId}`;
}

const text = (most: number) => z.string().min(1).max(most);
const param = z.string().regex(/^[\x21-\x7e]{1,100}$/, 'expected visible ASCII characters');
/** Where something stands in an answer: names joined by dots; the empty text is the whole. */
const path = z.string().max(200);

const Paging = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  /** Until a page is empty, or has fewer rows than `size`. */
  z.strictObject({
    kind: z.literal('page'),
    param: param.default('page'),
    first: z.int().min(0).max(1_000_000).default(1),
    size: z.int().min(1).max(1_000_000).optional(),
  }),
  z.strictObject({
    kind: z.literal('offset'),
    param: param.default('offset'),
    size: z.int().min(1).max(1_000_000).optional(),
  }),
  /** The answer names what the next page is asked with; none, or null, on the last. */
  z.strictObject({ kind: z.literal('cursor'), param: param.default('cursor'), path }),
  z.strictObject({ kind: z.literal('next_url'), path }),
  /** `Link: <…>; rel="next"` (RFC 8288). */
  z.strictObject({ kind: z.literal('link') }),
]);

const Since = z.strictObject({
  param,
  /** In each row; the greatest of a run is where the next one begins. */
  field: text(200),
  format: z.enum(['iso', 'unix', 'unix_ms', 'number']).default('iso'),
  /** So much is asked again: seconds of times, numbers of numbers. */
  overlap: z.int().min(0).max(31_536_000).default(300),
  /** For the first run; none: without the parameter. */
  start: text(100).optional(),
});

const HEADER = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** Said by us, or by the connection itself. */
const NOT_OURS: ReadonlySet<string> = new Set(
  'host content-length connection transfer-encoding authorization accept-encoding te upgrade'.split(
    ' ',
  ),
);

export const ConnectorSpec = z.strictObject({
  dataset: z.enum(['calls', 'order_lines']),
  /** `{since}`, `{page}`, `{offset}` and `{cursor}` are put in where they stand. */
  url: text(2_048),
  method: z.enum(['GET', 'POST']).default('GET'),
  headers: z
    .record(
      z.string().refine((name) => HEADER.test(name) && !NOT_OURS.has(name.toLowerCase()), {
        error: 'expected the name of a header that is not ours to say',
      }),
      z.string().regex(/^[\x20-\x7e]{0,1000}$/, 'expected visible ASCII characters'),
    )
    .default({}),
  body: z.record(z.string(), z.unknown()).optional(),
  auth: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('none') }),
      z.strictObject({ kind: z.literal('bearer') }),
      /** The secret is `user:password`. */
      z.strictObject({ kind: z.literal('basic') }),
      z.strictObject({ kind: z.literal('header'), header: z.string().regex(HEADER) }),
    ])
    .default({ kind: 'none' }),
  paging: Paging.default({ kind: 'none' }),
  rows: path.default(''),
  since: Since.optional(),
  requests_per_minute: z.int().min(1).max(6_000).default(60),
  most_pages: z.int().min(1).max(100_000).default(1_000),
  map: z.record(z.string(), z.unknown()).optional(),
  /** Five fields; none: runs only when somebody, or a trigger, says so. */
  cron: text(200).optional(),
  /** Of the clock that `cron` goes by; none: the tenant's. */
  zone: text(100).optional(),
});

export type ConnectorSpec = z.infer<typeof ConnectorSpec>;

/**
 * What the form alone does not say.
 * @throws DaybookError `E_INVALID`, `E_MAP`, `E_UNKNOWN_ZONE`
 */
export function checkConnectorSpec(spec: ConnectorSpec): ConnectorSpec {
  if (spec.map !== undefined) parseLoadMap(spec.map, datasetOf(spec.dataset));
  if (spec.cron !== undefined) parseCron(spec.cron, 'cron');
  if (spec.zone !== undefined) parseZone(spec.zone, 'zone');
  const bare = spec.url.replace(/\{(?:since|page|offset|cursor)\}/g, '0');
  // A secret in the address would stand in every list of connectors.
  if (!URL.canParse(bare)) throw invalid('url', 'another text', 'an absolute URL');
  const { origin } = new URL(bare);
  if (!spec.url.startsWith(origin) && !spec.url.toLowerCase().startsWith(origin)) {
    throw invalid('url', 'a placeholder in the host', 'a host that is written out');
  }
  if (spec.method === 'GET' && spec.body !== undefined) {
    throw invalid('body', 'a body', 'none with GET');
  }
  return spec;
}

function invalid(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_INVALID', { where, got, expected });
}
