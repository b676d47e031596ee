import { setTimeout as sleep } from 'node:timers/promises';
import { type AskAnswer, ask, PostFailure } from '../delivery/outbound/post.ts';
import type { TargetRules } from '../delivery/outbound/target.ts';
import { DaybookError } from '../errors.ts';
import { asLines, parseAnswer, rowsAt, textAt } from './answer-rows.ts';
import type { ConnectorSpec } from './connector-spec.ts';
import { FIRST_PAGE, nextOfLink, nextPlace, type PagePlace, pageRequest } from './page-request.ts';

/** The pages of an API, one after the other, no faster than it may be asked. */

export interface Page {
  readonly rows: readonly object[];
  /** The same rows as NDJSON. */
  readonly lines: Buffer;
}

const TIMEOUT_MS = 60_000;
export const MOST_PAGE_BYTES = 32 << 20;
const TRIES = 3;
/** An API that wants to be left alone for longer is asked again in another run. */
const LONGEST_WAIT_MS = 60_000;

/** @throws DaybookError `E_UNAVAILABLE` where trying again may help, else `E_INPUT` and such */
export async function* fetchPages(of: {
  readonly spec: ConnectorSpec;
  readonly since: string | null;
  readonly secret: string | null;
  readonly rules: TargetRules;
  readonly signal: AbortSignal;
}): AsyncGenerator<Page> {
  const { spec, since, secret, signal } = of;
  const pauseMs = 60_000 / spec.requests_per_minute;
  let place: PagePlace | null = FIRST_PAGE;
  let dueMs = 0;
  while (place !== null) {
    if (place.index >= spec.most_pages) {
      throw new DaybookError('E_TOO_LARGE', {
        where: 'pages',
        got: `page ${place.index + 1}`,
        expected: `${spec.most_pages} (most_pages)`,
      });
    }
    const where = `page ${place.index + 1}`;
    await sleep(Math.max(0, dueMs - performance.now()), undefined, { signal });
    dueMs = performance.now() + pauseMs;
    const request = pageRequest(spec, place, since, secret);
    const answer = await askPatiently(request, where, of);
    const parsed = parseAnswer(answer.body, where);
    const rows = rowsAt(parsed, spec.rows, where);
    yield { rows, lines: asLines(rows, where) };
    const { paging } = spec;
    const next =
      paging.kind === 'link'
        ? nextOfLink(String(answer.headers.link ?? ''))
        : paging.kind === 'cursor' || paging.kind === 'next_url'
          ? textAt(parsed, paging.path)
          : null;
    place = nextPlace(spec, place, { rows: rows.length, next, url: request.url });
  }
}

async function askPatiently(
  request: ReturnType<typeof pageRequest>,
  where: string,
  { rules, signal }: { readonly rules: TargetRules; readonly signal: AbortSignal },
): Promise<AskAnswer> {
  const { host } = new URL(request.url);
  for (let tries = 1; ; tries++) {
    let reason: string;
    let waitMs = 1_000 * 2 ** (tries - 1);
    try {
      const answer = await ask(request.url, request.body, {
        ...rules,
        ...{ where, headers: request.headers, method: request.method, signal },
        ...{ timeoutMs: TIMEOUT_MS, mostAnswerBytes: MOST_PAGE_BYTES },
      });
      const { status } = answer;
      if (status >= 200 && status < 300) {
        if (answer.isWhole) return answer;
        if (Buffer.byteLength(answer.body) >= MOST_PAGE_BYTES - 4) {
          throw new DaybookError('E_TOO_LARGE', {
            ...{ where, got: 'an answer', expected: `${MOST_PAGE_BYTES} bytes` },
          });
        }
        reason = 'the answer was cut off';
      } else if (status === 429 || status === 408 || status >= 500) {
        reason = `it answered ${status}`;
        waitMs = Math.max(waitMs, waitOf(answer.headers['retry-after']));
      } else {
        const said = answer.body.slice(0, 200).replace(/\s+/g, ' ');
        throw new DaybookError('E_INPUT', { where, reason: `${host} answered ${status}: ${said}` });
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PostFailure)) throw error;
      reason = error.message;
    }
    if (tries === TRIES || waitMs > LONGEST_WAIT_MS) {
      throw new DaybookError('E_UNAVAILABLE', { what: host, reason });
    }
    await sleep(waitMs, undefined, { signal });
  }
}

function waitOf(header: string | undefined): number {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : 0;
}
