/** A calendar date as a whole number: days since 1970-01-01, without a zone. */
export type DayNumber = number;

export const DAY_MS = 86_400_000;

const TWO_DIGITS = Array.from({ length: 32 }, (_, value) => String(value).padStart(2, '0'));

/** @param date `YYYY-MM-DD`, a real date of the years 0001 to 9999; other text gives NaN */
export function dayNumberOf(date: string): DayNumber {
  return Date.parse(`${date}T00:00:00Z`) / DAY_MS;
}

/** `YYYY-MM-DD`; for days of the years 0001 to 9999. */
export function dateOf(day: DayNumber): string {
  const date = new Date(day * DAY_MS);
  const year = date.getUTCFullYear();
  // A tenth of what toISOString takes, which a period of years would feel.
  if (year >= 1000 && year <= 9999) {
    return `${year}-${TWO_DIGITS[date.getUTCMonth() + 1]}-${TWO_DIGITS[date.getUTCDate()]}`;
  }
  return date.toISOString().slice(0, 10);
}

/** The date that lies `days` later, or earlier when negative. */
export function addDays(date: string, days: number): string {
  return dateOf(dayNumberOf(date) + days);
}
