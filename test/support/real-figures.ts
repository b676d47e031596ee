import { fileURLToPath } from 'node:url';
import { daybookDone, type Environment } from './daybook-command.ts';
import { sharedData } from './shared-data.ts';

/** What is known of the real files, as `README.md` beside them has it. */

export interface CallFigures {
  readonly rows: number;
  readonly answered: number;
  readonly abandoned: number;
  readonly ignored: number;
  readonly talkOfAnswered: number;
  readonly wait: number;
  readonly withAnsweredAt: number;
  readonly duration: number;
  readonly longest: readonly [externalId: string, seconds: number];
  readonly daysWithCalls: number;
  readonly busiest: readonly [date: string, calls: number];
}

export const BANK = {
  tenant: 'bank',
  zone: 'Asia/Jerusalem',
  currency: 'ILS',
  map: 'anonymousbank-calls',
  /** Both months and what lies between. */
  period: { from: '1999-01-01', to: '1999-10-31' },
} as const;

export const BANK_MONTHS = [
  {
    month: '1999-01',
    from: '1999-01-01',
    to: '1999-01-31',
    file: sharedData('calls/anonymousbank-1999-january.tsv.gz'),
    rejected: 0,
    figures: {
      rows: 31_599,
      answered: 27_060,
      abandoned: 4_299,
      ignored: 240,
      talkOfAnswered: 4_964_204,
      wait: 1_155_763,
      withAnsweredAt: 27_018,
      duration: 6_430_652,
      longest: ['AA0201-34282', 5_317],
      daysWithCalls: 29,
      busiest: ['1999-01-03', 2_111],
    } satisfies CallFigures as CallFigures,
  },
  {
    month: '1999-10',
    from: '1999-10-01',
    to: '1999-10-31',
    file: sharedData('calls/anonymousbank-1999-october.tsv.gz'),
    rejected: 2,
    figures: {
      rows: 34_623,
      answered: 30_861,
      abandoned: 3_615,
      ignored: 147,
      talkOfAnswered: 5_558_279,
      wait: 919_957,
      withAnsweredAt: 30_838,
      duration: 6_826_941,
      longest: ['AA0213-28834', 25_254],
      daysWithCalls: 31,
      busiest: ['1999-10-03', 1_824],
    } satisfies CallFigures as CallFigures,
  },
] as const;

export const SHOP = {
  tenant: 'shop',
  zone: 'Europe/London',
  currency: 'GBP',
  map: 'online-retail',
  period: { from: '2010-12-01', to: '2011-06-30' },
  file: sharedData('sales/online-retail-2010-12-to-2011-06.csv.gz'),
  rows: 245_903,
  net: '4397950.761',
  netByMonth: {
    '2010-12': '748957.02',
    '2011-01': '560000.26',
    '2011-02': '498062.65',
    '2011-03': '683267.08',
    '2011-04': '493207.121',
    '2011-05': '723333.51',
    '2011-06': '691123.12',
  },
} as const;

export function docsMap(name: string): string {
  return fileURLToPath(new URL(`../../docs/maps/${name}.json`, import.meta.url));
}

export interface Loaded {
  readonly loaded: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly days: number;
}

/** Adds the bank and the shop by command. */
export async function addRealTenants(environment: Environment): Promise<void> {
  for (const { tenant, zone, currency } of [BANK, SHOP]) {
    await daybookDone(environment, 'tenant', 'add', tenant, '--zone', zone, '--currency', currency);
  }
}

/** Loads both months and the sales by command; answers what it printed, in that order. */
export async function loadRealFiles(
  environment: Environment,
): Promise<{ january: Loaded; october: Loaded; sales: Loaded }> {
  const load = async (dataset: string, file: string, { tenant, map }: typeof BANK | typeof SHOP) =>
    JSON.parse(
      await daybookDone(
        environment,
        ...['load', dataset, file, '--tenant', tenant, '--map', docsMap(map), '--json'],
      ),
    ) as Loaded;
  const bank = async () => ({
    january: await load('calls', BANK_MONTHS[0].file, BANK),
    october: await load('calls', BANK_MONTHS[1].file, BANK),
  });
  const [months, sales] = await Promise.all([bank(), load('order_lines', SHOP.file, SHOP)]);
  return { ...months, sales };
}
