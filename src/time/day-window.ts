/** A tenant-local date as a half-open window, UTC epoch ms. */
export interface DayWindow {
  readonly date: string;
  readonly zone: string;
  readonly start: number;
  readonly end: number;
}
