const REDRAW_MS = 200;

/** One line on a terminal, written over now and then while something is counted. */
export function countLine(out: { readonly isTTY?: boolean; write(text: string): unknown }): {
  show(text: string): void;
  clear(): void;
} {
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    show(text) {
      const now = performance.now();
      if (!out.isTTY || now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      out.write(`\r\x1b[K${text}`);
    },
    clear() {
      if (Number.isFinite(drawnAt)) out.write('\r\x1b[K');
    },
  };
}
