/**
 * The wall clock of a zone as `Intl` tells it: the one place where zone data enters Daybook.
 * A reading costs about a microsecond, so that everything above keeps what it has read.
 */
export interface ZoneClock {
  /** The name under which Intl files the zone; aliases share it. */
  readonly filedAs: string;
  /** Milliseconds east of UTC at an instant; exact to the second, also for local mean time. */
  readOffsetMs(instantMs: number): number;
}

/** All zones kept local mean time until 1835 at least: what is earlier reads as this instant. */
export const OLDEST_READING_MS = Date.UTC(1800, 0, 1);

/** From here on the Gregorian calendar, weekdays included, repeats what it was 400 years ago. */
const FIVE_DIGIT_YEARS_MS = Date.UTC(9999, 0, 1);
const FOUR_CENTURIES_MS = 146_097 * 86_400_000;

/** @throws RangeError for a name that Intl does not know */
export function openZoneClock(zone: string): ZoneClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return {
    filedAs: format.resolvedOptions().timeZone,
    readOffsetMs: (instantMs) => {
      let instant = Math.max(Math.floor(instantMs / 1000) * 1000, OLDEST_READING_MS);
      while (instant >= FIVE_DIGIT_YEARS_MS) instant -= FOUR_CENTURIES_MS;
      return wallTextAsUtcMs(format.format(instant)) - instant;
    },
  };
}

/** `MM/DD/YYYY, hh:mm:ss`, read as if it were UTC. */
function wallTextAsUtcMs(text: string): number {
  return Date.UTC(
    digits(text, 6) * 100 + digits(text, 8),
    digits(text, 0) - 1,
    digits(text, 3),
    digits(text, 12),
    digits(text, 15),
    digits(text, 18),
  );
}

function digits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}
