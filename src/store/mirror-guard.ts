/**
 * The guard of mirrors. What is not in a snapshot is deleted, so one that is short, empty, spoilt or
 * other than ever before is held back whole: nothing of it is applied. Pure: figures in, words out.
 */

/** Of which rows a snapshot is the whole; null: not bounded that way. */
export interface MirrorScope {
  /** Half-open, of the anchor instant; UTC epoch ms. */
  readonly window: { readonly start: number; readonly end: number } | null;
  /** What the first field of the key begins with. */
  readonly prefix: string | null;
}

/** The tenant's limits for a dataset. */
export interface MirrorLimits {
  /** From 0 to 1, of the rows in scope. Deletions beyond this and beyond `deleteRows` are refused. */
  readonly deleteShare: number;
  readonly deleteRows: number;
  /** Refused rows that a snapshot may have. */
  readonly rejects: number;
}

export const USUAL_LIMITS: MirrorLimits = { deleteShare: 0.1, deleteRows: 20, rejects: 0 };

/** What a person allows for this once, who has looked. */
export interface MirrorLeave {
  /** So many deletions; `all`: also the last row. Null: as the limits say. */
  readonly deletes: number | 'all' | null;
  readonly rejects: number | null;
}

export const NO_LEAVE: MirrorLeave = { deletes: null, rejects: null };

export interface MirrorFigures {
  /** Rows of the dataset in scope before. */
  readonly inScope: number;
  /** Different rows of the snapshot, those that were refused included. */
  readonly distinct: number;
  /** Rows that the sender says there are; null: it does not say. */
  readonly stated: number | null;
  readonly rejected: number;
  /** Why the first row that was refused was. */
  readonly firstReject: string | null;
  /** Rows of the snapshot that its scope does not hold. */
  readonly outside: number;
  /** Rows in scope that the snapshot does not name. */
  readonly toDelete: number;
}

/**
 * Why a snapshot is held back, with all numbers; null: it may be applied. Nobody can give leave for
 * a count that does not fit or for rows outside the scope: these are mistakes, not wishes.
 */
export function refusalOf(
  figures: MirrorFigures,
  limits: MirrorLimits,
  leave: MirrorLeave,
): string | null {
  const { inScope, distinct, stated, rejected, outside, toDelete } = figures;
  const reasons: string[] = [];
  if (stated !== null && stated !== distinct) {
    reasons.push(`it holds ${distinct} different rows; ${stated} were stated`);
  }
  if (outside > 0) {
    reasons.push(`${outside} of its rows are outside its scope`);
  }
  const mostRejects = leave.rejects ?? limits.rejects;
  if (rejected > mostRejects) {
    const first = figures.firstReject === null ? '' : ` (the first: ${figures.firstReject})`;
    reasons.push(
      `${rejected} of its rows were refused${first}; at most ${mostRejects} are allowed`,
    );
  }
  if (distinct === 0 && toDelete > 0 && leave.deletes === null) {
    reasons.push(`it is empty; ${toDelete} rows stand in its scope`);
  } else if (!mayDelete(figures, limits, leave)) {
    const share = Math.ceil((toDelete * 1000) / inScope) / 10;
    reasons.push(
      `it would delete ${toDelete} of the ${inScope} rows in its scope (${share} %); at most ${mostWords(inScope, limits, leave)}`,
    );
  }
  return reasons.length === 0 ? null : reasons.join('; ');
}

function mayDelete(
  { inScope, toDelete }: MirrorFigures,
  limits: MirrorLimits,
  leave: MirrorLeave,
): boolean {
  if (leave.deletes === 'all') return true;
  if (leave.deletes !== null) return toDelete <= leave.deletes;
  return toDelete <= mostDeletions(inScope, limits);
}

/** The larger of both limits. */
function mostDeletions(inScope: number, { deleteShare, deleteRows }: MirrorLimits): number {
  return Math.max(deleteRows, Math.floor(inScope * deleteShare));
}

function mostWords(inScope: number, limits: MirrorLimits, { deletes }: MirrorLeave): string {
  if (deletes !== null) return `${deletes} were allowed`;
  const share = Math.round(limits.deleteShare * 1000) / 10;
  return `${mostDeletions(inScope, limits)} are (${share} %, or ${limits.deleteRows} rows)`;
}
