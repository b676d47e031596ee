/**
 * Where versions of the tz database tell different times, because a law or a correction came
 * between them. Node brings its own (2025c in Node 20.20), the embedded Postgres its own (2026),
 * the shared files were made from 2025b. From `from` on, what they say of a zone is not compared.
 */
export const ZONE_DATA_DIFFERENCES: readonly {
  readonly zones: readonly string[];
  readonly from: string;
  readonly reason: string;
}[] = [
  {
    zones: ['Europe/Chisinau', 'Europe/Tiraspol'],
    from: '2022-03-27',
    reason: 'corrected in 2026: Moldova changes its clocks at the hour of the EU since 2022',
  },
  {
    zones: ['America/Vancouver'],
    from: '2026-11-01',
    reason: 'British Columbia keeps UTC-7 and changes its clocks no more; known since 2026',
  },
  {
    zones: ['America/Edmonton', 'America/Yellowknife'],
    from: '2026-11-01',
    reason: 'Alberta keeps UTC-6 and changes its clocks no more; known since 2026',
  },
  {
    zones: ['Africa/Casablanca', 'Africa/El_Aaiun'],
    from: '2026-09-01',
    reason: 'Morocco goes back to UTC, also outside Ramadan; known since 2026',
  },
];

/** Whether versions of the tz database may disagree about a zone at an instant (UTC epoch ms). */
export function mayDiffer(zone: string, instant: number): boolean {
  return ZONE_DATA_DIFFERENCES.some(
    ({ zones, from }) => zones.includes(zone) && instant >= Date.parse(from) - 86_400_000,
  );
}
