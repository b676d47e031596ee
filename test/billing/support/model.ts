import fc from 'fast-check';
import { compilePriceList } from '../../../src/billing/price-list.ts';
import { rateCall } from '../../../src/billing/rate-call.ts';
import { type PlanTerms, type RateRow, ROUNDINGS } from '../../../src/billing/rate-plan.ts';
import { stepsAsText } from '../../../src/billing/round-amount.ts';
import { formatDecimal } from '../../../src/money/decimal.ts';
import { type Fraction, fraction, less, per, plus, rounded, times, whole } from './fraction.ts';
import { row, terms } from './plans.ts';

/**
 * An independent model of what a call costs: it walks step by step in exact fractions, asks Intl
 * for the wall clock at each step, and knows nothing of how the rating counts.
 */

/** Windows of the generated plans: name → does it hold at this weekday (1 Monday) and minute? */
const WINDOWS: Readonly<Record<string, (weekday: number, minute: number) => boolean>> = {
  'mon-fri 08:00-20:00': (weekday, minute) => weekday <= 5 && minute >= 480 && minute < 1200,
  'sat,sun': (weekday) => weekday >= 6,
  'mon-thu 22:00-06:00': (weekday, minute) =>
    (weekday <= 4 && minute >= 1320) || (weekday >= 2 && weekday <= 5 && minute < 360),
};

export interface ModelCall {
  readonly number: string;
  readonly answeredAt: number;
  readonly seconds: number;
}

export interface ModelResult {
  readonly prefix: string;
  readonly billedSeconds: number;
  readonly amount: string;
}

export function modelOf(
  plan: PlanTerms,
  rows: readonly RateRow[],
  call: ModelCall,
): ModelResult | string {
  const fitting = rows.filter(({ prefix }) => prefix === '*' || call.number.startsWith(prefix));
  if (fitting.length === 0) return 'no_rate';
  const length = (prefix: string) => (prefix === '*' ? 0 : prefix.length);
  const longest = Math.max(...fitting.map(({ prefix }) => length(prefix)));
  const its = fitting.filter(({ prefix }) => length(prefix) === longest);
  let cost: Fraction = whole(0);
  let billed = 0;
  const secondsOf = new Map<RateRow, number>();
  const isSimple = its.every(({ window }) => window === '');
  for (let at = plan.freeSeconds; at < call.seconds; ) {
    const wall = isSimple ? null : wallClock(plan.zone, call.answeredAt + at * 1000);
    const special = its.find(
      ({ window }) => wall && window !== '' && WINDOWS[window](wall.weekday, wall.minute),
    );
    const window = special?.window ?? '';
    const held = its.filter((one) => one.window === window);
    if (held.length === 0) return 'no_window';
    const elapsed = at - plan.freeSeconds;
    const begun = held.filter(({ fromSecond }) => fromSecond <= elapsed);
    const group = begun.reduce((a, b) => (b.fromSecond > a.fromSecond ? b : a));
    if (billed === 0) cost = plus(cost, fraction(formatDecimal(group.connectFee)));
    const isFirst = group.fromSecond === elapsed && group.minimumSeconds > 0;
    const step = isFirst ? group.minimumSeconds : group.incrementSeconds;
    secondsOf.set(group, (secondsOf.get(group) ?? 0) + step);
    billed += step;
    at += step;
  }
  for (const [group, seconds] of secondsOf) {
    const perSecond = per(fraction(formatDecimal(group.rate)), whole(group.rateUnitSeconds));
    cost = plus(cost, times(perSecond, whole(seconds)));
  }
  if (billed > 0) {
    const bounds = [plan.minimumCharge, plan.maximumCharge].map((bound) =>
      bound === null ? null : fraction(formatDecimal(bound)),
    );
    if (bounds[0] && less(cost, bounds[0])) cost = bounds[0];
    if (bounds[1] && less(bounds[1], cost)) cost = bounds[1];
  }
  const amount = rounded(cost, plan.rounding, plan.roundingScale);
  return { prefix: its[0].prefix, billedSeconds: billed, amount };
}

export function rated(
  plan: PlanTerms,
  rows: readonly RateRow[],
  call: ModelCall,
): ModelResult | string {
  const list = compilePriceList(plan, 0, rows);
  const result = rateCall(list, call.number, call.answeredAt, call.seconds);
  if (typeof result === 'string') return result;
  const { entry, billedSeconds, steps } = result;
  return { prefix: entry.prefix, billedSeconds, amount: stepsAsText(steps, plan.roundingScale) };
}

const formats = new Map<string, Intl.DateTimeFormat>();
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** No zone of the generated plans changes its offset within a minute. */
const readings = new Map<string, { weekday: number; minute: number }>();

function wallClock(zone: string, instant: number): { weekday: number; minute: number } {
  const key = `${zone} ${Math.floor(instant / 60_000)}`;
  const known = readings.get(key);
  if (known) return known;
  if (readings.size > 100_000) readings.clear();
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(zone, format);
  }
  const text = format.format(instant);
  const [, day, hour, minute] = /^(\w{3}),? (\d\d):(\d\d)$/.exec(text) as RegExpExecArray;
  const reading = { weekday: DAYS.indexOf(day) + 1, minute: Number(hour) * 60 + Number(minute) };
  readings.set(key, reading);
  return reading;
}

const price = (digits: number, scale: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: 10 ** digits - 1 }), fc.integer({ min: 0, max: scale }))
    .map(([unscaled, behind]) => {
      const text = String(unscaled).padStart(behind + 1, '0');
      return behind === 0 ? text : `${text.slice(0, -behind)}.${text.slice(-behind)}`;
    });

const seconds = fc.oneof(fc.constantFrom(1, 6, 15, 30, 60), fc.integer({ min: 1, max: 200 }));

/** Rows of one prefix: for some windows, one to three groups each. */
const rowsOfPrefix = (prefix: string) =>
  fc
    .tuple(
      fc.subarray(Object.keys(WINDOWS).slice(0, 2), { maxLength: 2 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 99 }),
    )
    .chain(([some, nights, fallback]) => {
      const windows =
        nights && !some.includes('mon-fri 08:00-20:00') ? ['mon-thu 22:00-06:00'] : some;
      const names = windows.length === 0 || fallback > 5 ? [...windows, ''] : windows;
      return fc.tuple(...names.map((window) => groupsOf(prefix, window)));
    })
    .map((groups) => groups.flat());

const groupsOf = (prefix: string, window: string) =>
  fc.uniqueArray(fc.integer({ min: 1, max: 900 }), { maxLength: 2 }).chain((later) =>
    fc.tuple(
      ...[0, ...later].map((fromSecond) =>
        fc
          .record({
            rate: fc.oneof(price(3, 4), price(9, 6), price(15, 12)),
            connectFee: fc.oneof(fc.constant('0'), price(4, 4)),
            rateUnitSeconds: fc.oneof(fc.constantFrom(1, 60), fc.integer({ min: 1, max: 3600 })),
            incrementSeconds: seconds,
            minimumSeconds: fc.oneof(fc.constant(0), seconds),
          })
          .map((group) => row({ ...group, prefix, window, fromSecond })),
      ),
    ),
  );

const bound = fc.option(price(6, 4), { nil: null, freq: 4 });

export const somePlan = fc
  .tuple(
    fc.constantFrom(...ROUNDINGS),
    fc.integer({ min: 0, max: 12 }),
    fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 90 })),
    fc.tuple(bound, bound),
    fc.constantFrom('UTC', 'Europe/London', 'America/Sao_Paulo', 'Australia/Lord_Howe'),
  )
  .map(([rounding, roundingScale, freeSeconds, bounds, zone]) => {
    const [low, high] = bounds.map((text) => (text === null ? null : row({ rate: text }).rate));
    const inOrder =
      low === null || high === null || Number(formatDecimal(low)) <= Number(formatDecimal(high));
    const [minimumCharge, maximumCharge] = inOrder ? [low, high] : [high, low];
    return terms({ rounding, roundingScale, freeSeconds, minimumCharge, maximumCharge, zone });
  });

export const someRows = fc
  .uniqueArray(fc.constantFrom('*', '4', '44', '442', '4420', '1', '5511'), {
    minLength: 1,
    maxLength: 4,
  })
  .chain((prefixes) => fc.tuple(...prefixes.map(rowsOfPrefix)))
  .map((rows) => rows.flat());

const changes = ['2026-03-29T00:58:00Z', '2026-10-25T00:30:00Z', '2018-11-04T02:50:00Z'].map(
  (text) => Date.parse(text),
);

export const someCall = fc.record({
  number: fc.constantFrom('442071234567', '4915112345', '12125550100', '551132345678', '7', ''),
  answeredAt: fc.oneof(
    fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2028, 0, 1) }),
    fc
      .tuple(fc.constantFrom(...changes), fc.integer({ min: 0, max: 600_000 }))
      .map(([a, b]) => a + b),
  ),
  seconds: fc.oneof(
    fc.integer({ min: 0, max: 130 }),
    fc.integer({ min: 0, max: 5_000 }),
    fc.integer({ min: 0, max: 60_000 }),
  ),
});
