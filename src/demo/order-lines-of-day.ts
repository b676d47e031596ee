import { calendarOf, daysOf } from '../time/calendar.ts';
import type { DayWindow } from '../time/day-window.ts';
import { openingHours, weekdayOf } from './call-centre.ts';
import { seasonOf } from './call-volume.ts';
import { type Customer, PRODUCTS, someCustomer } from './catalogue.ts';
import type { DemoOrderLine } from './demo-rows.ts';
import { localClock } from './local-clock.ts';
import { type Random, randomOf } from './random.ts';

/**
 * The order lines of one day: sales of the day, credits for goods of earlier orders that came
 * back, and now and then an adjustment. Depends on the seed and the date alone: an earlier order
 * that is credited is generated anew.
 */
export function orderLinesOfDay(seed: string, day: DayWindow): DemoOrderLine[] {
  const lines = [
    ...salesOfDay(seed, day),
    ...creditsOfDay(seed, day),
    ...adjustmentsOfDay(seed, day),
  ];
  return lines.sort(
    (a, b) =>
      a.ordered_at - b.ordered_at || compare(a.order_id, b.order_id) || a.line_no - b.line_no,
  );
}

/** Orders of a day; 0 Sunday. The web shop takes them at weekends too. */
const ORDERS_BY_WEEKDAY = [2, 15, 14, 13, 13, 11, 4];
const HOLIDAY_ORDERS = 1;
const LINES_PER_ORDER = [1, 1, 1, 2, 2, 3, 3, 4, 5, 6];
/** Orders come in while people work, few late in the evening. */
const BY_HOUR = [8, 9, 9, 10, 10, 11, 11, 12, 13, 14, 14, 15, 15, 16, 16, 17, 18, 20, 21];

function salesOfDay(seed: string, day: DayWindow): DemoOrderLine[] {
  const random = randomOf(`${seed}|orders|${day.date}`);
  const usual =
    openingHours(day.date) === null ? HOLIDAY_ORDERS : ORDERS_BY_WEEKDAY[weekdayOf(day.date)];
  const instants = Array.from({ length: random.poisson(usual * seasonOf(day.date)) }, () =>
    someInstant(random, day),
  ).sort((a, b) => a - b);
  return instants.flatMap((orderedAt, i) => {
    const customer = someCustomer(random);
    const order_id = `SO-${compact(day.date)}-${String(i + 1).padStart(3, '0')}`;
    const paid = random.chance(0.7);
    return Array.from({ length: random.pick(LINES_PER_ORDER) }, (_, line) => {
      const product = random.weighted(PRODUCTS.map((value) => ({ weight: value.weight, value })));
      const quantity = random.pick(product.quantities);
      const unitCents = Math.round((product.priceCents * customer.region.rate) / 100);
      const percent = customer.discountPercent + (quantity >= 20 ? 5 : 0);
      return orderLine(customer, {
        order_id,
        line_no: line + 1,
        ordered_at: orderedAt,
        status: paid ? 'paid' : 'invoiced',
        kind: 'sale',
        sku: product.sku,
        description: product.description,
        quantity,
        unitCents,
        discountCents:
          product.sku === 'SH-001' ? 0 : Math.round((quantity * unitCents * percent) / 100),
      });
    });
  });
}

const CREDITS_PER_OPEN_DAY = 1.2;
const RETURNABLE = new Set(PRODUCTS.filter((p) => p.returnable).map((p) => p.sku));

function creditsOfDay(seed: string, day: DayWindow): DemoOrderLine[] {
  if (openingHours(day.date) === null || weekdayOf(day.date) === 0) return [];
  const random = randomOf(`${seed}|credits|${day.date}`);
  const taken = new Set<string>();
  return Array.from({ length: random.poisson(CREDITS_PER_OPEN_DAY) }).flatMap((_, i) => {
    const [earlier] = daysOf(calendarOf(day.zone), daysBefore(day.date, random.between(3, 28)));
    const sales = earlier ? salesOfDay(seed, earlier).filter((l) => RETURNABLE.has(l.sku)) : [];
    if (sales.length === 0) return [];
    const sale = random.pick(sales);
    const name = `${sale.order_id}/${sale.line_no}`;
    if (taken.has(name)) return [];
    taken.add(name);
    const sold = Number(sale.quantity);
    const back = random.chance(0.5) ? sold : random.between(1, sold);
    const share = (text: string) => -Math.round((centsOf(text) * back) / sold);
    return {
      ...sale,
      order_id: `CR-${compact(day.date)}-${String(i + 1).padStart(3, '0')}`,
      line_no: 1,
      ordered_at: someInstant(random, day),
      status: 'refunded',
      kind: 'credit' as const,
      quantity: String(-back),
      discount: moneyText(share(sale.discount)),
      tax: moneyText(share(sale.tax)),
    };
  });
}

const ADJUSTMENT_CHANCE = 0.22;

function adjustmentsOfDay(seed: string, day: DayWindow): DemoOrderLine[] {
  const random = randomOf(`${seed}|adjustments|${day.date}`);
  if (openingHours(day.date) === null || !random.chance(ADJUSTMENT_CHANCE)) return [];
  const inOurFavour = random.chance(0.3);
  const cents = random.between(5, 90) * 50;
  const reason = random.pick([
    'Price match',
    'Late delivery',
    'Rounding of an invoice',
    'Goodwill',
  ]);
  const customer = someCustomer(random);
  return [
    orderLine(
      { ...customer, region: { ...customer.region, taxMilliPercent: 0 } },
      {
        order_id: `AD-${compact(day.date)}-001`,
        line_no: 1,
        ordered_at: someInstant(random, day),
        status: 'adjusted',
        kind: 'adjustment',
        sku: 'ADJUST',
        description: `${reason}, adjustment`,
        quantity: 1,
        unitCents: inOurFavour ? cents : -cents,
        discountCents: 0,
      },
    ),
  ];
}

interface Amounts {
  readonly quantity: number;
  readonly unitCents: number;
  readonly discountCents: number;
}

/** Tax is of the net amount: quantity × unit price − discount, rounded to a cent. */
function orderLine(
  customer: Customer,
  line: Amounts &
    Pick<
      DemoOrderLine,
      'order_id' | 'line_no' | 'ordered_at' | 'status' | 'kind' | 'sku' | 'description'
    >,
): DemoOrderLine {
  const netCents = line.quantity * line.unitCents - line.discountCents;
  return {
    order_id: line.order_id,
    line_no: line.line_no,
    ordered_at: line.ordered_at,
    status: line.status,
    kind: line.kind,
    customer: customer.name,
    sku: line.sku,
    description: line.description,
    quantity: String(line.quantity),
    unit_price: moneyText(line.unitCents),
    discount: moneyText(line.discountCents),
    tax: moneyText(Math.round((netCents * customer.region.taxMilliPercent) / 100_000)),
    currency: customer.region.currency,
    region: customer.region.name,
    salesperson: customer.salesperson,
  };
}

function someInstant(random: Random, day: DayWindow): number {
  const hour = random.pick(BY_HOUR) + random.next();
  const start = localClock(day)(Math.floor(hour));
  return Math.min(start + Math.floor((hour % 1) * 3_600) * 1000, day.end - 1000);
}

function moneyText(cents: number): string {
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

function centsOf(text: string): number {
  return Number(text.replace('.', ''));
}

function daysBefore(date: string, days: number): { from: string; to: string } {
  const before = new Date(Date.parse(`${date}T00:00:00Z`) - days * 86_400_000)
    .toISOString()
    .slice(0, 10);
  return { from: before, to: before };
}

function compact(date: string): string {
  return date.replaceAll('-', '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
