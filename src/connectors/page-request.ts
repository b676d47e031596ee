import { DaybookError } from '../errors.ts';
import type { ConnectorSpec } from './connector-spec.ts';

/** Which page is asked for next. Pure. */

export interface PagePlace {
  /** Counted from 0. */
  readonly index: number;
  /** Rows of the pages before. */
  readonly offset: number;
  /** Of the page before: its cursor, or the address of this one. */
  readonly next: string | null;
}

export const FIRST_PAGE: PagePlace = { index: 0, offset: 0, next: null };

export interface PageRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The request for a page. @param since as the API reads it; null: everything */
export function pageRequest(
  spec: ConnectorSpec,
  place: PagePlace,
  since: string | null,
  secret: string | null,
): PageRequest {
  const values = placeholders(spec, place, since);
  const follows = spec.paging.kind === 'next_url' || spec.paging.kind === 'link';
  const url = follows && place.next !== null ? place.next : filledUrl(spec, values);
  const json = spec.body === undefined ? '' : JSON.stringify(filledBody(spec.body, values));
  return {
    url,
    method: spec.method,
    headers: {
      'user-agent': 'Daybook',
      accept: 'application/json',
      ...spec.headers,
      ...(spec.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...authorization(spec, secret),
    },
    body: Buffer.from(json),
  };
}

/**
 * The place of the page after; null: this was the last.
 * @throws DaybookError `E_INPUT` where the API leads nowhere: in a circle, or to another host
 */
export function nextPlace(
  spec: ConnectorSpec,
  place: PagePlace,
  page: { readonly rows: number; readonly next: string | null; readonly url: string },
): PagePlace | null {
  const { paging } = spec;
  const after = { index: place.index + 1, offset: place.offset + page.rows };
  switch (paging.kind) {
    case 'none':
      return null;
    case 'page':
    case 'offset':
      if (page.rows === 0 || (paging.size !== undefined && page.rows < paging.size)) return null;
      return { ...after, next: null };
    default: {
      if (page.next === null || page.next === '') return null;
      const next = paging.kind === 'cursor' ? page.next : sameOrigin(page.next, page.url);
      if (next !== place.next && next !== page.url) return { ...after, next };
      throw new DaybookError('E_INPUT', {
        where: `page ${place.index + 1}`,
        reason: 'the API names the same page as the next one',
      });
    }
  }
}

/** `<…>; rel="next"` of a Link header (RFC 8288). */
export function nextOfLink(header: string | undefined): string | null {
  for (const [, url, parameters] of (header ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)/i.test(parameters)) return url;
  }
  return null;
}

/** The secret goes to the host that a person named, and to no other. */
function sameOrigin(next: string, base: string): string {
  const url = URL.canParse(next, base) ? new URL(next, base) : null;
  if (url !== null && url.origin === new URL(base).origin) return url.href;
  throw new DaybookError('E_INPUT', {
    where: 'the next page',
    reason: `the API names one on another host; expected ${new URL(base).origin}`,
  });
}

type Values = Readonly<Record<string, { readonly param: string; readonly text: string } | null>>;

function placeholders(spec: ConnectorSpec, place: PagePlace, since: string | null): Values {
  const { paging } = spec;
  const of = (param: string, text: string) => ({ param, text });
  return {
    since: spec.since === undefined || since === null ? null : of(spec.since.param, since),
    page: paging.kind === 'page' ? of(paging.param, String(paging.first + place.index)) : null,
    offset: paging.kind === 'offset' ? of(paging.param, String(place.offset)) : null,
    cursor: paging.kind === 'cursor' && place.next !== null ? of(paging.param, place.next) : null,
  };
}

function filledUrl(spec: ConnectorSpec, values: Values): string {
  const inBody = JSON.stringify(spec.body ?? null);
  const filled = spec.url.replace(/\{(since|page|offset|cursor)\}/g, (_, name: string) =>
    encodeURIComponent(values[name]?.text ?? ''),
  );
  const url = new URL(filled);
  for (const [name, value] of Object.entries(values)) {
    const stands = spec.url.includes(`{${name}}`) || inBody.includes(`{${name}}`);
    if (value !== null && !stands) url.searchParams.set(value.param, value.text);
  }
  return url.href;
}

function filledBody(body: unknown, values: Values): unknown {
  if (typeof body === 'string') {
    return body.replace(
      /\{(since|page|offset|cursor)\}/g,
      (_, name: string) => values[name]?.text ?? '',
    );
  }
  if (Array.isArray(body)) return body.map((each) => filledBody(each, values));
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(Object.entries(body).map(([k, v]) => [k, filledBody(v, values)]));
}

function authorization(spec: ConnectorSpec, secret: string | null): Record<string, string> {
  if (secret === null) return {};
  switch (spec.auth.kind) {
    case 'none':
      return {};
    case 'bearer':
      return { authorization: `Bearer ${secret}` };
    case 'basic':
      return { authorization: `Basic ${Buffer.from(secret).toString('base64')}` };
    case 'header':
      return { [spec.auth.header.toLowerCase()]: secret };
  }
}
