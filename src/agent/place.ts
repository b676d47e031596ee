import { type WatermarkKind, windowStart } from './watermark.ts';

/**
 * How far a source was read. A batch on disk says by which step it moves the place, and whoever
 * applies the steps in order gets the same place: the reader as it writes batches, the sender as they
 * are accepted, the next start after a crash.
 */
export interface Place {
  readonly watermark: WatermarkPlace | null;
  readonly files: Readonly<Record<string, FilePlace>>;
  /** Digest of the last snapshot that was committed. */
  readonly snapshot: string | null;
  /** UTC epoch ms that the source was last said to be complete through. */
  readonly completeThrough: number | null;
}

export interface WatermarkPlace {
  readonly kind: WatermarkKind;
  /** The greatest that was met, in the source's own writing. */
  readonly high: string;
  readonly overlap: number;
  /**
   * Rows within the overlap before `high` that were taken: each row's watermark and its digest,
   * `watermark|digest`. They come again in the next pass and are left out.
   */
  readonly seen: readonly string[];
}

export interface FilePlace {
  readonly size: number;
  readonly mtimeMs: number;
  /** Rows taken, and the digest of them all in order: a file that grew goes on behind them. */
  readonly rows: number;
  readonly chain: string;
  /** The version of this size and time was read to its end. */
  readonly whole: boolean;
}

export interface PlaceStep {
  readonly watermark?: WatermarkPlace;
  readonly file?: { readonly name: string; readonly place: FilePlace };
  /** Files that are no longer in the folder. */
  readonly forget?: readonly string[];
  readonly snapshot?: string;
  readonly completeThrough?: number;
}

export const NO_PLACE: Place = {
  watermark: null,
  files: {},
  snapshot: null,
  completeThrough: null,
};

/** The place after a step; a watermark never goes back, and rows before its window are forgotten. */
export function advance(place: Place, step: PlaceStep): Place {
  const files = { ...place.files };
  if (step.file) files[step.file.name] = step.file.place;
  for (const name of step.forget ?? []) delete files[name];
  return {
    watermark: step.watermark ? joined(place.watermark, step.watermark) : place.watermark,
    files,
    snapshot: step.snapshot ?? place.snapshot,
    completeThrough: step.completeThrough ?? place.completeThrough,
  };
}

function joined(before: WatermarkPlace | null, step: WatermarkPlace): WatermarkPlace {
  const start = windowStart(step.kind, step.high, step.overlap);
  const seen = new Set<string>();
  for (const entry of [...(before?.seen ?? []), ...step.seen]) {
    if (start.isBeforeOrAt(entry.slice(0, entry.lastIndexOf('|')))) seen.add(entry);
  }
  return { ...step, seen: [...seen] };
}
