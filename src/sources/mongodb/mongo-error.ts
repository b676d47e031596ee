import { MongoError, MongoServerError } from 'mongodb';
import { DaybookError } from '../../errors.ts';

/** Unauthorized, AuthenticationFailed. */
const CREDENTIAL_CODES = [13, 18];
/** FailedToParse, BadValue, InvalidNamespace, CommandNotFound: another time will not help. */
const LASTING_CODES = [2, 9, 73, 59];

/**
 * A failure of a MongoDB as an error of ours: `E_SOURCE` for what a person must mend,
 * `E_UNAVAILABLE` for what may pass. What has a code of ours stays.
 */
export function toMongoError(thrown: unknown, what: string): unknown {
  if (thrown instanceof DaybookError) return thrown;
  const refused = refusalWithin(thrown);
  if (refused) return refused;
  if (thrown instanceof MongoServerError) {
    const code = Number(thrown.code);
    if (CREDENTIAL_CODES.includes(code)) {
      const reason = 'the server does not take this user with this password, or not for this';
      return new DaybookError('E_SOURCE', { where: 'credential', reason }, thrown);
    }
    if (LASTING_CODES.includes(code)) {
      return new DaybookError('E_SOURCE', { where: what, reason: thrown.message }, thrown);
    }
  }
  if (thrown instanceof MongoError || thrown instanceof RangeError) {
    return new DaybookError('E_UNAVAILABLE', { what, reason: thrown.message }, thrown);
  }
  return thrown;
}

/** An address that we did not go to is told as such, however deep the driver put it. */
function refusalWithin(thrown: unknown): DaybookError | null {
  for (let at = thrown, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at instanceof DaybookError) return at;
  }
  return null;
}
