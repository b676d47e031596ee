import fc from 'fast-check';
import { DateTime } from 'luxon';
import { describe, expect, it } from 'vitest';
import { parseInstant, readIso } from '../../src/mapping/iso-time.ts';
import { LocalClock } from '../../src/mapping/local-clock.ts';
import { compileTimeFormat } from '../../src/mapping/time-format.ts';
import { WallReading } from '../../src/mapping/wall-reading.ts';
import { instantOfWall } from '../../src/time/local-time.ts';

const instant = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2200, 0, 1) });

/** The wall time of a text in UTC or its own offset; null: not of the form. */
function readWith(
  format: string | null,
  text: string,
): { wallMs: number; offsetMs: number } | null {
  const reading = new WallReading();
  const read = format === null ? readIso : compileTimeFormat(format)?.read;
  const bytes = Buffer.from(` ${text} `);
  if (!read?.(bytes, 1, bytes.length - 1, reading)) return null;
  return { wallMs: reading.wallMs, offsetMs: reading.offsetMs };
}

describe('texts of time', () => {
  it('in ISO 8601 mean what Luxon reads in them', () => {
    const offset = fc.integer({ min: -14 * 4, max: 14 * 4 }).map((quarters) => quarters * 15);
    fc.assert(
      fc.property(instant, offset, fc.constantFrom('T', ' '), (ms, minutes, separator) => {
        const time = DateTime.fromMillis(ms, { zone: 'utc' }).setZone(
          `UTC${minutes < 0 ? '-' : '+'}${Math.floor(Math.abs(minutes) / 60)}:${String(Math.abs(minutes) % 60).padStart(2, '0')}`,
        );
        for (const text of [
          time.toISO() ?? '',
          time.toUTC().toISO() ?? '',
          time.toFormat("yyyy-MM-dd'T'HH:mm:ss.SSSZZZ"),
        ]) {
          expect(parseInstant(text.replace('T', separator), 'x')).toBe(ms);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('that are no ISO instant are refused', () => {
    for (const text of [
      '',
      '2024-1-01T00:00Z',
      '2024-02-30T00:00:00Z',
      '2023-02-29T00:00:00Z',
      '2024-13-01T00:00:00Z',
      '2024-01-01T24:00:00Z',
      '2024-01-01T23:60:00Z',
      '2024-01-01T23:59:60Z',
      '2024-01-01T23:59:59',
      '2024-01-01',
      '2024-01-01T10:00:00.Z',
      '2024-01-01T10:00:00+1',
      '2024-01-01T10:00:00+01:00x',
      '2024-01-01T10:00:00Zulu',
    ]) {
      expect(() => parseInstant(text, 'x'), text).toThrow(/expected an instant with an offset/);
    }
  });

  it('of compiled formats mean what Luxon reads in them', () => {
    const formats = [
      'yyyy-MM-dd HH:mm:ss',
      'dd/MM/yyyy HH:mm',
      'd.M.yyyy H:mm:ss',
      'yyMMdd H:mm:ss',
      'MM/dd/yyyy hh:mm:ss a',
      "dd-MMM-yyyy 'at' HH:mm:ss.SSS",
      'd MMMM yyyy, h:mm a',
      'yyyyMMddHHmmss',
      'yyyy-MM-dd HH:mm:ss.u ZZ',
      'yyyy-MM-dd HH:mm:ss ZZZ',
      'EEE d MMM yyyy HH:mm',
    ];
    fc.assert(
      fc.property(instant, fc.constantFrom(...formats), (ms, format) => {
        const years = /yy(?!yy)/.test(format.replace('yyyy', '')) ? 1_500_000_000_000 : ms;
        const text = DateTime.fromMillis(years, { zone: 'utc' }).toFormat(format, { locale: 'en' });
        const expected = DateTime.fromFormat(text, format, { zone: 'utc', locale: 'en' });
        const read = readWith(format, text);
        expect({ format, text, wallMs: read?.wallMs }).toEqual({
          format,
          text,
          wallMs: expected.toMillis(),
        });
        expect(Number.isNaN(read?.offsetMs)).toBe(!/Z/.test(format));
      }),
      { numRuns: 5000 },
    );
  });

  it('may be seconds or milliseconds since 1970', () => {
    expect(readWith('X', '1700000000')).toEqual({ wallMs: 1_700_000_000_000, offsetMs: 0 });
    expect(readWith('x', '1700000000123')).toEqual({ wallMs: 1_700_000_000_123, offsetMs: 0 });
    expect(readWith('X', '-5')).toBeNull();
  });

  it('of compiled formats are refused when Luxon refuses them', () => {
    const cases: [string, string][] = [
      ['yyyy-MM-dd', '2024-2-01'],
      ['yyyy-MM-dd', '2024-02-30'],
      ['yyyy-MM-dd', '2024-02-01x'],
      ['HH:mm', '9:00'],
      ['H:mm', '24:01'],
      ['hh:mm a', '13:00 pm'],
      ['d MMM yyyy', '1 Foo 2024'],
      ['EEE d MMM yyyy', 'Xyz 1 Jan 2024'],
    ];
    for (const [format, text] of cases) expect(readWith(format, text), text).toBeNull();
  });
});

describe('the clock of a zone', () => {
  it('agrees with the exact one at every wall time, around changes too', () => {
    const zones = [
      'Europe/London',
      'America/Sao_Paulo',
      'Australia/Lord_Howe',
      'Pacific/Apia',
      'UTC',
    ];
    for (const zone of zones) {
      const clock = new LocalClock(zone);
      fc.assert(
        fc.property(
          fc.integer({ min: Date.UTC(2010, 0, 1) / 60_000, max: Date.UTC(2012, 0, 1) / 60_000 }),
          (minutes) => {
            const wallMs = minutes * 60_000;
            const exact = instantOfWall(zone, wallMs);
            const found = clock.instantOf(wallMs);
            expect({ instant: found, kind: clock.kind }).toEqual(exact);
          },
        ),
        { numRuns: 2000 },
      );
    }
  });
});
