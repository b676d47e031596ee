/** How fast one thread gets days done, from those that ended lately. */
export interface Pace {
  /** Null before the first day. */
  readonly msPerRow: number | null;
  readonly msPerDay: number | null;
}

/** Of the sums, each further day leaves this much: some hundred days count. */
const KEPT = 0.99;

export function createPace(): { note(rows: number, elapsedMs: number): void; read(): Pace } {
  let days = 0;
  let rows = 0;
  let elapsedMs = 0;
  return {
    note(dayRows, dayMs) {
      days = days * KEPT + 1;
      rows = rows * KEPT + dayRows;
      elapsedMs = elapsedMs * KEPT + dayMs;
    },
    read: () => ({
      msPerRow: rows > 0 ? elapsedMs / rows : null,
      msPerDay: days > 0 ? elapsedMs / days : null,
    }),
  };
}
