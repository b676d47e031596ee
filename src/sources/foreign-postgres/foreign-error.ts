import pg from 'pg';
import { DaybookError } from '../../errors.ts';

/** What a foreign server's refusals mean, by their SQLSTATE. */
const MEANINGS: readonly (readonly [RegExp, where: string, reason: string | null])[] = [
  [/^28/, 'credential', 'the server does not take this user with this password'],
  [/^3D000$/, 'database', null],
  [/^42501$/, 'rights', null],
  [/^(42P01|3F000)$/, 'table', null],
  [/^42703$/, 'column', null],
];
/** It goes down or comes up, has no connection left, ended our statement or met a conflict. */
const OF_THE_MOMENT = /^(08|53|57|40|55P03|25P0[34]|58)/;

/**
 * A failure of a foreign server as an error of ours: `E_SOURCE` for what a person must mend,
 * `E_UNAVAILABLE` for what may pass. What has a code already stays, unless it only wraps an answer of
 * the server.
 * @param what names the server in messages
 */
export function toForeignError(thrown: unknown, what: string): unknown {
  const refusal = refusalIn(thrown);
  if (refusal === null) {
    if (thrown instanceof DaybookError || !(thrown instanceof Error)) return thrown;
    const { code } = thrown as NodeJS.ErrnoException;
    return new DaybookError('E_UNAVAILABLE', { what, reason: code ?? thrown.message }, thrown);
  }
  const { code = '', message } = refusal;
  if (OF_THE_MOMENT.test(code)) {
    return new DaybookError('E_UNAVAILABLE', { what, reason: message }, refusal);
  }
  const meaning = MEANINGS.find(([states]) => states.test(code));
  const [, where, reason] = meaning ?? [null, what, null];
  return new DaybookError('E_SOURCE', { where, reason: reason ?? message }, refusal);
}

function refusalIn(thrown: unknown): pg.DatabaseError | null {
  if (thrown instanceof pg.DatabaseError) return thrown;
  if (!(thrown instanceof DaybookError) || thrown.code !== 'E_UNAVAILABLE') return null;
  return thrown.cause instanceof pg.DatabaseError ? thrown.cause : null;
}
