import { DaybookError } from '../../errors.ts';
import { plainLine } from '../mail/plain-line.ts';
import type { SendOutcome } from '../mail/send-outcome.ts';
import { type PostAnswer, PostFailure } from '../outbound/post.ts';

/** What an answer to a hook, or none, means for its delivery. */
export interface HookOutcome extends SendOutcome {
  /** So long the receiver wants to be left alone; null: it did not say. */
  readonly retryAfterMs: number | null;
}

/** No receiver puts us off for longer: 1 day. */
const LONGEST_WAIT_MS = 24 * 3_600_000;
const LONGEST_REPLY = 300;
/** Answers that pass: the others of 4xx come again each time. */
const PASSING: ReadonlySet<number> = new Set([408, 421, 423, 425, 429]);

/** @param now UTC epoch ms, for waits that are given as a date */
export function answerOutcome(answer: PostAnswer, now: number): HookOutcome {
  const { status, body } = answer;
  const isSent = status >= 200 && status < 300;
  const passes = status >= 500 || PASSING.has(status);
  return {
    kind: isSent ? 'sent' : passes ? 'temporary' : 'permanent',
    stage: 'end',
    code: String(status),
    reply: plainLine(
      status >= 300 && status < 400 ? 'redirects are not followed' : body,
      LONGEST_REPLY,
    ),
    concerns: status === 429 || status >= 500 ? 'server' : 'recipient',
    tooLarge: false,
    retryAfterMs: isSent ? null : waitOf(answer, now),
  };
}

/**
 * A place that may not be reached is a permanent failure, a name that is not found now a temporary
 * one. What was sent and not answered may have arrived.
 * @throws what is neither a refusal of the place nor a failed request
 */
export function failureOutcome(error: unknown): HookOutcome {
  const of = { stage: 'connect', tooLarge: false, retryAfterMs: null } as const;
  if (error instanceof PostFailure) {
    return {
      ...of,
      kind: error.wasSent ? 'ambiguous' : 'temporary',
      stage: error.wasSent ? 'end' : 'connect',
      code: error.code,
      reply: plainLine(error.message, LONGEST_REPLY),
      concerns: 'server',
    };
  }
  if (error instanceof DaybookError && ['E_INVALID', 'E_UNAVAILABLE'].includes(error.code)) {
    return {
      ...of,
      kind: error.code === 'E_INVALID' ? 'permanent' : 'temporary',
      code: error.code,
      reply: plainLine(error.message, LONGEST_REPLY),
      concerns: 'recipient',
    };
  }
  throw error;
}

/** `Retry-After` in seconds or as a date; Discord's `retry_after` in its body is the finer one. */
function waitOf({ headers, body }: PostAnswer, now: number): number | null {
  const header = headers['retry-after'];
  const fromBody = /"retry_after"\s*:\s*(\d{1,7}(?:\.\d{1,6})?)/.exec(body.slice(0, 2_000))?.[1];
  const seconds = header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) : null;
  const date = header?.endsWith(' GMT') ? Date.parse(header) : Number.NaN;
  const waits = [
    seconds === null ? null : seconds * 1000,
    Number.isNaN(date) ? null : date - now,
    fromBody === undefined ? null : Number(fromBody) * 1000,
  ].filter((ms) => ms !== null);
  if (waits.length === 0) return null;
  return Math.min(LONGEST_WAIT_MS, Math.max(0, Math.ceil(Math.max(...waits))));
}
