/**
 * The one table of error codes. Each row: HTTP status, whether trying again may help, and the
 * template of its message, whose `{names}` are filled from the error's `details`.
 * `docs/errors.md` lists the same rows; a test keeps the two equal.
 */
export const ERRORS = {
  E_USAGE: { status: 400, retryable: false, template: '{where}: got {got}; expected {expected}' },
  E_UNKNOWN_ZONE: {
    status: 422,
    retryable: false,
    template: '{where}: {got} is not a time zone; expected an IANA name such as Europe/London',
  },
  E_DATE: {
    status: 422,
    retryable: false,
    template: '{where}: {got} is not a date of the calendar; expected YYYY-MM-DD',
  },
  E_PERIOD: { status: 422, retryable: false, template: '{where}: got {got}; expected {expected}' },
  E_UNKNOWN_REPORT: {
    status: 422,
    retryable: false,
    template: 'report: there is no report {got}; expected one of {expected}',
  },
  E_UNKNOWN_COLUMN: {
    status: 422,
    retryable: false,
    template: '{where}: {report} has no column {got}; expected any of {expected}',
  },
  E_FILTER: { status: 422, retryable: false, template: '{where}: got {got}; expected {expected}' },
  E_PARAM: { status: 422, retryable: false, template: '{where}: got {got}; expected {expected}' },
  E_INVALID: { status: 422, retryable: false, template: '{where}: got {got}; expected {expected}' },
  E_MAP: {
    status: 422,
    retryable: false,
    template: 'map: {where}: got {got}; expected {expected}',
  },
  E_INPUT: { status: 422, retryable: false, template: '{where}: {reason}' },
  E_SOURCE: { status: 422, retryable: false, template: 'source: {where}: {reason}' },
  E_SOURCE_ROW: {
    status: 502,
    retryable: false,
    template: '{where}: the row {key} cannot be taken: {field}: {reason}',
  },
  E_UNAUTHENTICATED: { status: 401, retryable: false, template: '{reason}' },
  E_FORBIDDEN: {
    status: 403,
    retryable: false,
    template: '{who} may not {action}; it needs {expected}',
  },
  E_NOT_FOUND: { status: 404, retryable: false, template: 'there is no {what} {got} here' },
  E_CONFLICT: { status: 409, retryable: false, template: '{where}: {reason}' },
  E_MIRROR_REFUSED: {
    status: 409,
    retryable: false,
    template: '{where}: the snapshot was not applied, and nothing deleted: {reason}',
  },
  E_LOCKED: { status: 409, retryable: false, template: 'the day {day} is locked: {reason}' },
  E_METHOD: {
    status: 405,
    retryable: false,
    template: '{where}: got {got}; expected {expected}',
  },
  E_TIMEOUT: {
    status: 408,
    retryable: true,
    template: '{where}: it did not come whole in {expected}',
  },
  E_MEDIA_TYPE: {
    status: 415,
    retryable: false,
    template: '{where}: got {got}; expected {expected}',
  },
  E_RANGE: { status: 416, retryable: false, template: '{where}: got {got}; expected {expected}' },
  E_GONE: { status: 410, retryable: false, template: '{what} {got} is gone: {reason}' },
  E_TOO_LARGE: {
    status: 413,
    retryable: false,
    template: '{where}: {got} is over the limit of {expected}',
  },
  E_RATE_LIMITED: {
    status: 429,
    retryable: true,
    template: 'too many requests from {who}; try again in {retryAfterSeconds} s',
  },
  E_CANCELLED: { status: 409, retryable: false, template: '{what} {got} was cancelled' },
  E_BUSY: {
    status: 503,
    retryable: true,
    template: 'the backlog cannot be met now ({got}); try again in {retryAfterSeconds} s',
  },
  E_INCOMPLETE: { status: 409, retryable: true, template: '{where}: {reason}' },
  E_UNAVAILABLE: { status: 503, retryable: true, template: '{what} does not answer: {reason}' },
  E_LEASE_LOST: {
    status: 503,
    retryable: true,
    template: 'run {got} is held by another process now; this one gives up',
  },
  E_NO_SPACE: { status: 507, retryable: true, template: '{where}: no space left on the disk' },
  E_NO_DISK: {
    status: 503,
    retryable: true,
    template: '{where}: the disk cannot be used now: {reason}',
  },
  E_IO: { status: 500, retryable: true, template: '{where}: {reason}' },
  E_PART_DAMAGED: {
    status: 500,
    retryable: true,
    template: 'part {got} is damaged: {reason}; it is dropped and made again',
  },
  E_DAY_FAILED: { status: 500, retryable: false, template: 'day {day} failed: {reason}' },
  E_RESOURCE_EXHAUSTED: {
    status: 500,
    retryable: false,
    template: 'day {day} used up a compute process {attempts} times: {reason}',
  },
  E_TOTALS_MISMATCH: {
    status: 500,
    retryable: false,
    template: '{where}: the parts add up to {got}, expected {expected}',
  },
  E_RUN_FAILED: { status: 500, retryable: false, template: 'run {got} failed: {reason}' },
  E_CONFIG: { status: 500, retryable: false, template: '{reason}' },
  E_INTERNAL: { status: 500, retryable: false, template: 'something failed inside: {reason}' },
} as const satisfies Record<string, { status: number; retryable: boolean; template: string }>;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorDetails = Readonly<Record<string, string | number>>;

/** A failure with a code of {@link ERRORS}; `details` say where, what came, what is expected. */
export class DaybookError extends Error {
  override readonly name = 'DaybookError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails, cause?: unknown) {
    super(
      fillTemplate(ERRORS[code].template, details),
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

/** The plain form of an error, for messages between processes and for rows. */
export interface PlainError {
  code: ErrorCode;
  message: string;
  details: ErrorDetails;
}

/** Any thrown value as a {@link PlainError}; what has no code of ours becomes `E_INTERNAL`. */
export function toPlainError(thrown: unknown): PlainError {
  const error = toDaybookError(thrown);
  return { code: error.code, message: error.message, details: error.details };
}

export function fromPlainError(plain: PlainError): DaybookError {
  return new DaybookError(plain.code, plain.details);
}

/** Any thrown value as a {@link DaybookError}: ENOSPC and EDQUOT become `E_NO_SPACE`. */
export function toDaybookError(thrown: unknown): DaybookError {
  if (thrown instanceof DaybookError) return thrown;
  const code = (thrown as { code?: unknown } | null)?.code;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DaybookError('E_NO_SPACE', { where: message }, thrown);
  }
  return new DaybookError('E_INTERNAL', { reason: message }, thrown);
}

/**
 * A failure of a file or folder as one that names it: `E_NO_SPACE` when the disk is full, else
 * `E_IO`. What has a code of ours already, and what is not of the file system, stays as it is.
 */
export function toFileError(thrown: unknown, where: string): unknown {
  if (thrown instanceof DaybookError || !(thrown instanceof Error)) return thrown;
  const { code, syscall } = thrown as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return thrown;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new DaybookError('E_NO_SPACE', { where }, thrown);
  return new DaybookError('E_IO', { where, reason: `${syscall}: ${code}` }, thrown);
}

/** Of a folder that is not there or may not be entered, a disk that fails or only gives. */
const DISK_AWAY: ReadonlySet<string> = new Set([
  ...['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS'],
  ...['EIO', 'ESTALE', 'ENODEV', 'ENXIO', 'ENOTCONN', 'EHOSTDOWN', 'ETIMEDOUT'],
]);

/**
 * As {@link toFileError}, for what stands in the home folder and has to be there: a disk that is not
 * mounted, or does not answer, is `E_NO_DISK`, and may come back.
 */
export function toDiskError(thrown: unknown, where: string): unknown {
  const { code, syscall } = (thrown ?? {}) as NodeJS.ErrnoException;
  if (!(thrown instanceof Error) || syscall === undefined || !DISK_AWAY.has(code ?? '')) {
    return toFileError(thrown, where);
  }
  return new DaybookError('E_NO_DISK', { where, reason: `${syscall}: ${code}` }, thrown);
}

function fillTemplate(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(details[name] ?? '(not given)'),
  );
}
