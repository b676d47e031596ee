/** Inclusive local dates, `YYYY-MM-DD`, `from` ≤ `to`. */
export interface Period {
  readonly from: string;
  readonly to: string;
}
