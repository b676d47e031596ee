/** A calendar date as a whole number: days since 1970-01-01, without a zone. */
export type DayNumber = number;

export const DAY_MS = 86_400_000;

/** @param date `YYYY-MM-DD`, a real date of the years 0001 to 9999; other text gives NaN */
export function dayNumberOf(date: string): DayNumber {
  return Date.parse(`${date}T00:00:00Z`) / DAY_MS;
}

/** `YYYY-MM-DD`; for days of the years 0001 to 9999. */
export function dateOf(day: DayNumber): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The date that lies `days` later, or earlier when negative. */
export function addDays(date: string, days: number): string {
  return dateOf(dayNumberOf(date) + days);
}
