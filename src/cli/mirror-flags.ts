import type { Command } from 'commander';
import { DaybookError } from '../errors.ts';
import type { MirrorOrder } from '../store/loads.ts';
import type { MirrorLeave, MirrorLimits } from '../store/mirror-guard.ts';
import { type Calendar, windowOf } from '../time/calendar.ts';
import { parsePeriod } from '../time/period.ts';

/** The flags of `load` that make it a mirror. */
export interface MirrorFlags {
  readonly mirror?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly prefix?: string;
  readonly expect?: string;
  readonly allowDeletes?: string;
  readonly allowRejects?: string;
}

export function withMirrorFlags(command: Command): Command {
  return command
    .option(
      '--mirror',
      'the file is all there is: what it does not hold is deleted, if not too much',
    )
    .option('--from <date>', 'mirror: the file is all of the days from this one, YYYY-MM-DD')
    .option('--to <date>', 'mirror: … up to this one, inclusive')
    .option('--prefix <text>', 'mirror: the file is all rows whose key begins so')
    .option(
      '--expect <rows>',
      'mirror: how many rows there are; with another number nothing is done',
    )
    .option('--allow-deletes <rows>', 'mirror: a number, or all: delete so many after all')
    .option('--allow-rejects <rows>', 'mirror: so many refused rows are no reason to stop');
}

const FLAGS = ['from', 'to', 'prefix', 'expect', 'allowDeletes', 'allowRejects'] as const;

/**
 * What the flags ask for, once the tenant is known; null: no mirror.
 * @throws DaybookError `E_USAGE`, `E_DATE`, `E_PERIOD`
 */
export function parseMirrorFlags(
  flags: MirrorFlags,
): ((calendar: Calendar, limits: MirrorLimits) => MirrorOrder) | null {
  if (!flags.mirror) {
    const stray = FLAGS.find((name) => flags[name] !== undefined);
    if (stray === undefined) return null;
    const where = `--${stray.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new DaybookError('E_USAGE', { where, got: 'it', expected: 'it only with --mirror' });
  }
  const { from, to, prefix = null } = flags;
  if ((from === undefined) !== (to === undefined)) {
    throw new DaybookError('E_USAGE', {
      where: from === undefined ? '--from' : '--to',
      got: 'nothing',
      expected: 'both --from and --to, or neither',
    });
  }
  const period = from === undefined || to === undefined ? null : parsePeriod(from, to);
  const stated = countOf('--expect', flags.expect);
  const leave = leaveOf(flags);
  if (prefix === '') {
    throw new DaybookError('E_USAGE', { where: '--prefix', got: 'nothing', expected: 'a text' });
  }
  return (calendar, limits) => ({
    scope: { window: period === null ? null : windowOf(calendar, period), prefix },
    limits,
    leave,
    stated,
  });
}

/** What a person lets a mirror do beyond its limits. @throws DaybookError `E_USAGE` */
export function leaveOf(flags: Pick<MirrorFlags, 'allowDeletes' | 'allowRejects'>): MirrorLeave {
  const { allowDeletes: deletes, allowRejects: rejects } = flags;
  return {
    deletes: deletes === 'all' ? deletes : countOf('--allow-deletes', deletes),
    rejects: countOf('--allow-rejects', rejects),
  };
}

/** Null: not given. @throws DaybookError `E_USAGE` */
export function countOf(where: string, text: string): number;
export function countOf(where: string, text: string | undefined): number | null;
export function countOf(where: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const expected = where === '--allow-deletes' ? 'a whole number, or all' : 'a whole number';
  throw new DaybookError('E_USAGE', { where, got: text, expected });
}
