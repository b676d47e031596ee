import { type Random, randomOf } from './random.ts';

/** What the demo sells, to whom, and who sells it. Prices in cents of US dollars. */

export interface Product {
  readonly sku: string;
  readonly description: string;
  readonly priceCents: number;
  /** How often it is bought, against the others. */
  readonly weight: number;
  /** Quantities that are usual for it. */
  readonly quantities: readonly number[];
  /** Licences and fees are not sent back. */
  readonly returnable: boolean;
}

const FEW = [1, 1, 2, 2, 3, 4, 5];
const MANY = [1, 2, 4, 5, 5, 10, 10, 20, 25, 50];
const ONE = [1];

const goods = (
  sku: string,
  description: string,
  priceCents: number,
  weight: number,
  quantities: readonly number[],
  returnable = true,
): Product => ({ sku, description, priceCents, weight, quantities, returnable });

export const PRODUCTS: readonly Product[] = [
  goods('HS-100', 'Headset, wired, mono', 4_490, 9, MANY),
  goods('HS-110', 'Headset, wired, stereo', 5_690, 8, MANY),
  goods('HS-200', 'Headset, DECT, mono', 17_900, 6, FEW),
  goods('HS-210', 'Headset, DECT, stereo', 20_900, 5, FEW),
  goods('HS-300', 'Headset, Bluetooth, noise cancelling', 24_950, 5, FEW),
  goods('HS-901', 'Ear cushions, leatherette, pair', 795, 7, MANY),
  goods('HS-902', 'Quick-disconnect cable, 2 m', 1_250, 5, MANY),
  goods('PH-400', 'Desk phone, 4 lines', 9_800, 6, MANY),
  goods('PH-410', 'Desk phone, 8 lines, colour screen', 16_400, 4, FEW),
  goods('PH-450', 'Conference phone, 5 m pickup', 48_900, 2, FEW),
  goods('PH-455', 'Conference phone, "Boardroom" kit', 89_900, 1, ONE),
  goods('PH-490', 'Cordless handset', 12_300, 3, FEW),
  goods('PH-499', 'Power supply for desk phones', 1_490, 4, MANY),
  goods('GW-010', 'Analogue gateway, 2 ports', 7_400, 2, FEW),
  goods('GW-080', 'Analogue gateway, 8 ports', 28_600, 1, FEW),
  goods('GW-300', 'Session border controller, 30 channels', 119_500, 0.6, ONE),
  goods('NW-008', 'PoE switch, 8 ports', 13_900, 3, FEW),
  goods('NW-024', 'PoE switch, 24 ports', 36_800, 1.6, FEW),
  goods('NW-901', 'Patch cable, Cat 6, 1 m', 320, 5, MANY),
  goods('NW-902', 'Patch cable, Cat 6, 3 m', 495, 5, MANY),
  goods('LC-010', 'Seat licence, basic, per month', 1_200, 6, MANY, false),
  goods('LC-020', 'Seat licence, contact centre, per month', 6_900, 5, MANY, false),
  goods('LC-030', 'Call recording, per seat and month', 850, 4, MANY, false),
  goods('LC-040', 'Wallboard licence', 29_000, 1, ONE, false),
  goods('SV-001', 'Number porting, per number', 1_500, 2.4, MANY, false),
  goods('SV-010', 'Installation, per hour', 11_000, 2, FEW, false),
  goods('SV-020', 'Training, remote, half a day', 42_000, 1, ONE, false),
  goods('SH-001', 'Shipping', 1_495, 6, ONE, false),
];

export interface Region {
  readonly name: string;
  readonly currency: 'USD' | 'CAD';
  /** What 100 US cents cost there. */
  readonly rate: number;
  /** Of the net amount, in thousandths of a percent. */
  readonly taxMilliPercent: number;
  readonly salespersons: readonly string[];
  readonly weight: number;
}

export const REGIONS: readonly Region[] = [
  {
    name: 'Northeast',
    currency: 'USD',
    rate: 100,
    taxMilliPercent: 8_875,
    salespersons: ['Ana Ribeiro', 'Ben Okafor'],
    weight: 34,
  },
  {
    name: 'Southeast',
    currency: 'USD',
    rate: 100,
    taxMilliPercent: 7_000,
    salespersons: ['Chloé Martin'],
    weight: 22,
  },
  {
    name: 'Midwest',
    currency: 'USD',
    rate: 100,
    taxMilliPercent: 6_250,
    salespersons: ['Dmitri Volkov'],
    weight: 18,
  },
  {
    name: 'West',
    currency: 'USD',
    rate: 100,
    taxMilliPercent: 7_250,
    salespersons: ['Liam Walsh', 'Noor Rahimi'],
    weight: 19,
  },
  {
    name: 'Canada',
    currency: 'CAD',
    rate: 137,
    taxMilliPercent: 13_000,
    salespersons: ['Chloé Martin', 'Mei Tanaka'],
    weight: 7,
  },
];

export interface Customer {
  readonly name: string;
  readonly region: Region;
  /** Null: buys in the web shop by itself. */
  readonly salesperson: string | null;
  /** Agreed discount, in percent. */
  readonly discountPercent: number;
}

/** How many customers there are; the first buy most. */
const CUSTOMERS = 340;

const FIRST = [
  ...['Alder', 'Bayside', 'Birchwood', 'Blue Heron', 'Cedar', 'Copper', 'Crescent', 'Eastgate'],
  ...[
    'Fairhaven',
    'Foxglove',
    'Granite',
    'Harbour',
    'Ironbridge',
    'Juniper',
    'Kestrel',
    'Lakeside',
  ],
  ...['Maple', 'Meridian', 'Northwind', 'Orchard', 'Pinecrest', 'Quarry', 'Redwood', 'Río Verde'],
  ...['São Bento', 'Silverline', 'Stonegate', 'Tamarack', "Turner's", 'Union', 'Västra', 'Willow'],
];
const LAST = [
  ...['Dental', 'Freight', 'Hotels', 'Insurance', 'Legal', 'Logistics', 'Medical', 'Motors'],
  ...['Printing', 'Property', 'Schools', 'Travel', 'Utilities', 'Veterinary', 'Wines', 'Works'],
];
const FORMS = ['Inc.', 'LLC', '& Sons', 'Group', 'Partners, LLP', 'Co.'];

/** The n-th customer, n from 0. The same n is the same customer. */
export function customerOf(n: number): Customer {
  const random = randomOf(`customer|${n}`);
  const first = FIRST[n % FIRST.length];
  const last = LAST[(n + Math.floor(n / FIRST.length)) % LAST.length];
  const region = random.weighted(REGIONS.map((value) => ({ weight: value.weight, value })));
  return {
    name: `${first} ${last} ${random.pick(FORMS)}`,
    region,
    salesperson: random.chance(0.25) ? null : random.pick(region.salespersons),
    discountPercent: random.pick([0, 0, 0, 0, 2, 3, 5, 5, 7.5, 10, 12.5]),
  };
}

export function someCustomer(random: Random): Customer {
  return customerOf(Math.floor(CUSTOMERS * random.next() * random.next()));
}
