/** One line that is rewritten while work goes on, on terminals only. */

/** How far an export is. */
export interface ExportProgress {
  readonly days: { readonly total: number; readonly done: number; readonly cached: number };
  readonly rows: number;
}

export interface ProgressLine {
  readonly show: (progress: ExportProgress) => void;
  /** Removes the line; a later `show` draws it again. */
  readonly clear: () => void;
}

/** Rows per second are over the whole time since the line was made. */
export function progressLine(
  out: { readonly isTTY?: boolean; write(text: string): unknown },
  now: () => number = () => performance.now(),
): ProgressLine {
  if (!out.isTTY) return { show: () => {}, clear: () => {} };
  const startedAt = now();
  let drawn = false;
  return {
    show({ days, rows }) {
      const seconds = (now() - startedAt) / 1000;
      const rate = seconds > 0 ? Math.round(rows / seconds) : 0;
      drawn = true;
      out.write(
        `\r\x1b[K${days.done} of ${days.total} days (${days.cached} from cache), ` +
          `${rows.toLocaleString('en')} rows, ${rate.toLocaleString('en')} rows/s`,
      );
    },
    clear() {
      if (drawn) out.write('\r\x1b[K');
      drawn = false;
    },
  };
}
