import { createHash } from 'node:crypto';
import { signedHeaders } from '../delivery/webhook/standard-webhooks.ts';
import type { SigningKey } from './agent-config.ts';
import type { DaybookHttp, HttpAnswer } from './daybook-http.ts';
import type { Item, Part } from './item.ts';

/** The calls of Daybook's signed ingest: which path, which body, and what an answer means. */

export type Answer =
  | { readonly kind: 'accepted'; readonly snapshot: string | null }
  /** Fewer rows at once, please. */
  | { readonly kind: 'too_large' }
  /** Later; the same bytes again. */
  | { readonly kind: 'wait'; readonly reason: string; readonly retryAfterMs: number | null }
  /** Nothing will help until a person changes something: here, or in Daybook. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** A snapshot that Daybook no longer knows, or that has ended there. */
  | { readonly kind: 'snapshot_gone'; readonly reason: string }
  /** A snapshot that Daybook keeps, but does not apply by itself. */
  | { readonly kind: 'guarded'; readonly reason: string };

export interface IngestClient {
  /** @throws DaybookError `E_UNAVAILABLE` when no answer came */
  send(item: Item, part: Part, snapshot: string | null, signal: AbortSignal): Promise<Answer>;
  /** Gives up a snapshot that was held back; one that has ended, or is gone, stays so. */
  discard(snapshot: string, signal: AbortSignal): Promise<Answer>;
  /** What became of a snapshot. @throws DaybookError `E_UNAVAILABLE` when no answer came */
  fateOf(snapshot: string, signal: AbortSignal): Promise<Fate>;
}

/** `waiting`: for a person, or it is not known; `gone`: nobody decided within the time it is kept. */
export type Fate = 'waiting' | 'committed' | 'discarded' | 'gone';

/** A clock that is farther off than this is set right by Daybook's. */
const CLOCK_TOLERANCE_MS = 30_000;
const LONGEST_WAIT_MS = 3_600_000;
/** A commit is answered when all of the snapshot is applied; Daybook gives it so long. */
const COMMIT_MS = 30 * 60_000;

export function ingestClient(of: {
  readonly dataset: string;
  readonly source: string;
  readonly key: SigningKey;
  readonly apiKey: string | null;
  readonly daybook: DaybookHttp;
  readonly clock: ServerClock;
}): IngestClient {
  const base = `/v1/ingest/${of.dataset}`;
  const bearer: Record<string, string> =
    of.apiKey === null ? {} : { authorization: `Bearer ${of.apiKey}` };
  const post = ({ id, path, body, headers, timeoutMs }: Request, signal: AbortSignal) => {
    const signed = signedHeaders({ id, at: of.clock.nowMs(), body, keys: [of.key.bytes] });
    const all = { ...signed, ...headers, 'webhook-key-id': of.key.id, ...bearer };
    const request = { method: 'POST', path: `${base}${path}`, body, headers: all } as const;
    return of.daybook.ask({ ...request, timeoutMs }, signal);
  };
  const askOf = (method: 'GET' | 'DELETE', snapshot: string, signal: AbortSignal) =>
    of.daybook.ask(
      { method, path: `${base}${pathOf(snapshot)}`, headers: bearer, body: Buffer.alloc(0) },
      signal,
    );
  return {
    async send(item, part, snapshot, signal) {
      const request = requestOf(item, part, snapshot, of.source);
      let answer = await post(request, signal);
      // Signed too early or too late: once more by the clock that judges.
      if ([400, 401].includes(answer.status) && of.clock.learn(answer)) {
        answer = await post(request, signal);
      }
      return meaningOf(answer, item.kind);
    },
    async discard(snapshot, signal) {
      const answer = await askOf('DELETE', snapshot, signal);
      const ended = [404, 409, 410].includes(answer.status);
      return ended ? { kind: 'accepted', snapshot: null } : meaningOf(answer, null);
    },
    async fateOf(snapshot, signal) {
      const { status, body } = await askOf('GET', snapshot, signal);
      if (status === 404 || status === 410) return 'gone';
      const { state } = parsed(body);
      return status === 200 && (state === 'committed' || state === 'discarded') ? state : 'waiting';
    },
  };
}

interface Request {
  readonly path: string;
  readonly id: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const ROWS = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' };
const JSON_TYPE = { 'content-type': 'application/json' };

const pathOf = (snapshot: string) => `/mirror/${encodeURIComponent(snapshot)}`;

function requestOf(item: Item, part: Part, snapshot: string | null, source: string): Request {
  const mirror = pathOf(snapshot ?? '');
  switch (item.kind) {
    case 'rows':
      return { path: '', id: part.id, body: part.bytes, headers: ROWS };
    case 'mirror_rows':
      return {
        path: `${mirror}/rows?part=${Number(item.about?.['part']) + item.parts.indexOf(part)}`,
        ...{ id: part.id, body: part.bytes, headers: ROWS },
      };
    case 'mirror_begin': {
      const begin = told('/mirror', { source, ...scopeOf(item) }, item, source);
      // Begun once, also when the answer was lost.
      return { ...begin, headers: { ...begin.headers, 'idempotency-key': begin.id } };
    }
    case 'mirror_commit': {
      const rows = item.about?.['rows'] ?? 0;
      return { ...told(`${mirror}/commit`, { rows }, item, source), timeoutMs: COMMIT_MS };
    }
    default: {
      const through = new Date(item.step.completeThrough ?? 0).toISOString();
      return told('/complete', { complete_through: through }, item, source);
    }
  }
}

/** What of the scope is bounded. */
function scopeOf({ about }: Item): Record<string, string | number> {
  const bounds = ['prefix', 'from', 'to'].map((name) => [name, about?.[name] ?? null] as const);
  return Object.fromEntries(bounds.filter(([, bound]) => bound !== null)) as Record<string, string>;
}

function told(path: string, body: object, item: Item, source: string): Request {
  const bytes = Buffer.from(JSON.stringify(body));
  const digest = createHash('sha256')
    .update(JSON.stringify([source, item.kind, item.position, path]))
    .update(bytes)
    .digest('base64url');
  return { path, id: `agent_${digest}`, body: bytes, headers: JSON_TYPE };
}

function meaningOf({ status, headers, body }: HttpAnswer, sent: Item['kind'] | null): Answer {
  if (status >= 200 && status < 300) {
    return { kind: 'accepted', snapshot: sent === 'mirror_begin' ? idOf(body) : null };
  }
  const reason = `${status} ${detailOf(body)}`;
  if (status === 413) return { kind: 'too_large' };
  if (status === 429 || status === 408 || status === 425 || status >= 500) {
    return { kind: 'wait', reason, retryAfterMs: waitOf(headers['retry-after']) };
  }
  if (sent === 'mirror_commit' && parsed(body)['code'] === 'E_MIRROR_REFUSED') {
    return { kind: 'guarded', reason: String(parsed(body)['detail']) };
  }
  // 409 as well: somebody gave it up, or committed it as it was.
  const isGone = status === 404 || status === 409 || status === 410;
  if (isGone && (sent === 'mirror_rows' || sent === 'mirror_commit')) {
    return { kind: 'snapshot_gone', reason };
  }
  return { kind: 'refused', reason };
}

function waitOf(header: string | undefined): number | null {
  if (header === undefined) return null;
  const seconds = /^\d{1,9}$/.test(header)
    ? Number(header) * 1000
    : Date.parse(header) - Date.now();
  return Number.isNaN(seconds) ? null : Math.min(LONGEST_WAIT_MS, Math.max(0, seconds));
}

function parsed(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function idOf(body: string): string | null {
  const answer = parsed(body);
  const id = answer['snapshot'] ?? answer['id'];
  return typeof id === 'string' ? id : null;
}

function detailOf(body: string): string {
  const { code, detail } = parsed(body);
  return typeof detail === 'string' ? `${code}: ${detail}` : body.slice(0, 200);
}

/** The clock that signatures are judged by, as far as answers tell it. */
export interface ServerClock {
  /** UTC epoch ms. */
  nowMs(): number;
  /** Takes the time of an answer; true: signatures bear another time from now on. */
  learn(answer: HttpAnswer): boolean;
  readonly offMs: number;
}

export function serverClock(nowMs: () => number = Date.now): ServerClock {
  let offMs = 0;
  return {
    nowMs: () => nowMs() + offMs,
    learn({ headers }) {
      const told = Date.parse(headers.date ?? '');
      if (Number.isNaN(told)) return false;
      const found = told - nowMs();
      if (Math.abs(found - offMs) < CLOCK_TOLERANCE_MS) return false;
      offMs = found;
      return true;
    },
    get offMs() {
      return offMs;
    },
  };
}
