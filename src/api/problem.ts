import { STATUS_CODES } from 'node:http';
import type { DaybookError, ErrorCode, ErrorDetails } from '../errors.ts';
import { InvalidRequest } from './request-schema.ts';

/** Errors as RFC 9457 problem documents. */

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export interface Problem {
  /** A page about this code. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** This occurrence: the request's id, which the log bears too. */
  readonly instance: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly where?: string;
  readonly got?: string;
  readonly expected?: string;
  /** Every field that is wrong, when there are several. */
  readonly errors?: readonly { where: string; got: string; expected: string }[];
}

/** Codes whose message may name paths, hosts or statements: the log's business alone. */
const PRIVATE: ReadonlySet<ErrorCode> = new Set([
  'E_INTERNAL',
  'E_IO',
  'E_NO_SPACE',
  'E_NO_DISK',
  'E_CONFIG',
  'E_UNAVAILABLE',
  'E_PART_DAMAGED',
]);

export function problemOf(error: DaybookError, publicUrl: string, requestId: string): Problem {
  const text = (name: string) =>
    name in error.details && !PRIVATE.has(error.code)
      ? { [name]: String(error.details[name]) }
      : {};
  return {
    type: `${publicUrl}/errors#${error.code}`,
    title: STATUS_CODES[error.status] ?? error.code,
    status: error.status,
    detail: publicMessage(error.code, error.message, error.details),
    instance: `urn:uuid:${requestId}`,
    code: error.code,
    retryable: error.retryable,
    ...text('where'),
    ...text('got'),
    ...text('expected'),
    ...(error instanceof InvalidRequest && error.problems.length > 1
      ? { errors: error.problems }
      : {}),
  };
}

/** The message of an error as people outside may read it. */
export function publicMessage(
  code: ErrorCode,
  message: string,
  details: ErrorDetails = {},
): string {
  if (!PRIVATE.has(code)) return message;
  if (code === 'E_UNAVAILABLE' && details.what) return `${details.what} does not answer now`;
  if (code === 'E_NO_SPACE') return 'no space is left on the disk';
  if (code === 'E_NO_DISK') return 'the disk cannot be used now';
  return 'something failed inside; the log tells what';
}

/** Headers that go with an error. */
export function headersOf(error: DaybookError): Record<string, string> {
  switch (error.code) {
    case 'E_UNAUTHENTICATED':
      return {
        'www-authenticate': `Bearer realm="daybook"${error.details.token ? ', error="invalid_token"' : ''}`,
      };
    case 'E_RATE_LIMITED':
    case 'E_BUSY':
      return { 'retry-after': String(error.details.retryAfterSeconds) };
    case 'E_UNAVAILABLE':
    case 'E_NO_DISK':
      return { 'retry-after': '5' };
    case 'E_METHOD':
      return { allow: String(error.details.expected) };
    case 'E_RANGE':
      return { 'content-range': `bytes */${error.details.bytes}` };
    default:
      return {};
  }
}
