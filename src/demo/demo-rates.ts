import { loadRates } from '../ingest/load-rates.ts';
import type { Database } from '../store/database.ts';
import { listPlans } from '../store/rate-plans.ts';
import type { Tenant } from '../store/tenants.ts';

/** What the demo tenant pays for its calls: calls out, its free number, calls inside. */

/** Before the first call of any demo. */
const VALID_FROM = '2020-01-01T00:00:00Z';

/** Prefix, what it is, connect fee, rate per minute, increment and minimum in seconds. */
const OUTBOUND = [
  ['1', 'North America', '0', '0.0119', 6, 6],
  ['1212', 'New York', '0', '0.0095', 6, 6],
  ['1646', 'New York', '0', '0.0095', 6, 6],
  ['1416', 'Toronto', '0', '0.0147', 6, 6],
  ['44', 'United Kingdom', '0.01', '0.0198', 1, 30],
  ['447', 'United Kingdom mobile', '0.01', '0.0385', 1, 30],
  ['61', 'Australia', '0.02', '0.0465', 60, 60],
] as const;

const HEADER =
  'plan,direction,prefix,valid_from,description,connect_fee,rate,increment_seconds,minimum_seconds';

/** As a rate sheet; it is the same for everybody and always. */
export function demoRateSheet(): string {
  const outbound = OUTBOUND.map(([prefix, description, fee, rate, increment, minimum]) =>
    ['outbound', 'outbound', prefix, VALID_FROM, description, fee, rate, increment, minimum].join(),
  );
  const others = [
    ['toll-free', 'inbound', '*', VALID_FROM, 'Toll-free', '0', '0.0165', 6, 30],
    ['on-net', 'internal', '*', VALID_FROM, 'Between colleagues', '0', '0', 1, 0],
  ];
  return [HEADER, ...outbound, ...others.map((row) => row.join())].join('\n');
}

/** Adds them to a tenant that has no plan at all: what somebody made of them since stays. */
export async function addDemoRates(
  tenant: Tenant,
  deps: { readonly database: Database; readonly signal: AbortSignal },
  requestedBy: string,
): Promise<void> {
  const plans = await deps.database.asTenant(tenant.id, (tx) => listPlans(tx, tenant.id));
  if (plans.length > 0) return;
  await loadRates(
    oneOf(Buffer.from(demoRateSheet())),
    { tenant, name: 'demo-rates.csv', format: 'csv', map: null, requestedBy, replace: false },
    deps,
  );
}

async function* oneOf(piece: Buffer): AsyncGenerator<Buffer> {
  yield piece;
}
