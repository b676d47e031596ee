/** One line that is rewritten while work goes on, on terminals only. What it waits for is said anywhere. */

/** How far an export is. */
export interface ExportProgress {
  readonly days: { readonly total: number; readonly done: number; readonly cached: number };
  readonly rows: number;
  /** Why it stands in the queue again: a message with its code. */
  readonly waitsFor?: string | null;
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
  const startedAt = now();
  let drawn = false;
  let said = '';
  const clear = () => {
    if (drawn) out.write('\r\x1b[K');
    drawn = false;
  };
  return {
    show({ days, rows, waitsFor }) {
      if (waitsFor && waitsFor !== said) {
        said = waitsFor;
        clear();
        out.write(`waiting: ${waitsFor}; it goes on by itself\n`);
      }
      if (!out.isTTY || waitsFor) return;
      const seconds = (now() - startedAt) / 1000;
      const rate = seconds > 0 ? Math.round(rows / seconds) : 0;
      drawn = true;
      out.write(
        `\r\x1b[K${days.done} of ${days.total} days (${days.cached} from cache), ` +
          `${rows.toLocaleString('en')} rows, ${rate.toLocaleString('en')} rows/s`,
      );
    },
    clear,
  };
}
