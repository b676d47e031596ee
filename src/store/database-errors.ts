import pg from 'pg';
import { DaybookError } from '../errors.ts';

/** Which failures of Postgres are about the connection or the moment, not about the statement. */

/** Work that met another's may go through when it is done again. */
const CONFLICTS = new Set(['40001', '40P01']);
/** The server has no connection left for us. */
const TOO_MANY_CONNECTIONS = '53300';
/** It goes down or is coming up, or it ended our statement, our wait or our silence. */
const UNAVAILABLE = new Set([
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '57014',
  '55P03',
  '25P03',
  '25P04',
]);
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** A trigger of ours refused what falls into a locked period. */
const LOCKED_DAY = 'DB001';
/** node-postgres tells a lost connection by the words alone. */
const LOST = /^(Connection terminated|Client has encountered a connection error|Client was closed)/;
const DEADLINE = /^Query read timeout|timeout exceeded when trying to connect|^timeout expired/;

/** Whether the same work, done again from its start, may well succeed. */
export function isConflict(error: unknown): boolean {
  return error instanceof pg.DatabaseError && CONFLICTS.has(error.code ?? '');
}

/** Whether the server refused a connection because all are taken, so that nothing was done. */
export function isTooManyConnections(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === TOO_MANY_CONNECTIONS;
}

/** Whether the connection is of no more use: lost, or stuck in a statement past its deadline. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof pg.DatabaseError) {
    return /^(08|57P0[1-5]|25P03|25P04)/.test(error.code ?? '');
  }
  const { code } = error as NodeJS.ErrnoException;
  return LOST.test(error.message) || DEADLINE.test(error.message) || NETWORK.has(code ?? '');
}

/**
 * `E_UNAVAILABLE` for what is about the connection, a deadline or a conflict, `E_NO_SPACE` for a
 * full disk of the server, `E_LOCKED` for a day that is locked; anything else, such as a broken constraint, as it is.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof DaybookError || !(error instanceof Error)) return error;
  const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
  if (code === '53100') {
    return new DaybookError('E_NO_SPACE', { where: 'the database' }, error);
  }
  if (code === LOCKED_DAY) return lockedDay(error);
  if (
    isConnectionLoss(error) ||
    isConflict(error) ||
    UNAVAILABLE.has(code) ||
    code.startsWith('53')
  ) {
    return unavailable(error);
  }
  return error;
}

function lockedDay(error: Error): DaybookError {
  const [, day, reason] = /^the day (\S+) is locked: (.*)$/s.exec(error.message) ?? [];
  return new DaybookError('E_LOCKED', { day: day ?? '', reason: reason ?? error.message }, error);
}

/** Any failure to connect, a refused password too. */
export function toConnectError(error: unknown): DaybookError {
  return unavailable(error instanceof Error ? error : new Error(String(error)));
}

function unavailable(error: Error): DaybookError {
  const reason = error.message || ((error as NodeJS.ErrnoException).code ?? 'no reason given');
  return new DaybookError('E_UNAVAILABLE', { what: 'the database', reason }, error);
}
