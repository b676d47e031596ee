import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DaybookError } from '../errors.ts';
import { loadRows } from '../ingest/load-rows.ts';
import type { Logger } from '../log.ts';
import { authenticateApiKey, createApiKey } from '../store/api-keys.ts';
import type { Database } from '../store/database.ts';
import { findCompleteThrough } from '../store/dataset-marks.ts';
import { storeLoads } from '../store/loads.ts';
import { addTenant, findTenant, type Tenant } from '../store/tenants.ts';
import { dayAt, zoneOn } from '../time/calendar.ts';
import { addDemoRates } from './demo-rates.ts';
import { generateCalls, generateOrderLines, ndjsonOf } from './generate.ts';

/** The demo tenant as a newcomer finds it: rows until yesterday, and a key that stays the same. */

export const DEMO_TENANT = 'demo';
/** Its clocks change twice a year. */
export const DEMO_ZONE = 'America/New_York';
/** More than the longest stretch without a change of clocks there: 238 days. */
export const DEMO_HISTORY_DAYS = 270;

const SEED = 'daybook';
const WHO = 'demo';
const DAY_MS = 86_400_000;

export interface DemoSurroundings {
  readonly database: Database;
  /** UTC epoch ms. The data ends with the day before, in the tenant's zone. */
  readonly now: number;
  readonly log: Logger;
  /** Absolute; the key's token is kept in its file `demo-key`. */
  readonly home: string;
  readonly signal?: AbortSignal;
  /** Default {@link DEMO_HISTORY_DAYS}. Only for a tenant that is new, or was left alone for long. */
  readonly historyDays?: number;
}

export interface DemoTenant {
  readonly tenantName: string;
  readonly keyToken: string;
  readonly zone: string;
  /** The last 30 days that have data, inclusive local dates. */
  readonly firstDate: string;
  readonly lastDate: string;
}

/**
 * Makes the demo tenant, or brings it up to yesterday: only days that are missing are added. Safe
 * to call at each start, and when it was cut off before.
 * @throws DaybookError what the database or the disk says
 */
export async function ensureDemoTenant(to: DemoSurroundings): Promise<DemoTenant> {
  const tenant = await findOrAddTenant(to.database);
  const yesterday = dayAt(tenant.calendar, dayAt(tenant.calendar, to.now).start - 1);
  const { database, signal = new AbortController().signal } = to;
  // First: calls are charged as soon as they are there.
  await addDemoRates(tenant, { database, signal }, WHO);
  await loadMissingDays(to, tenant, yesterday);
  return {
    tenantName: tenant.name,
    keyToken: await findOrMakeKey(to, tenant),
    zone: yesterday.zone,
    firstDate: dayAt(tenant.calendar, yesterday.end - 30 * DAY_MS).date,
    lastDate: yesterday.date,
  };
}

async function findOrAddTenant(database: Database): Promise<Tenant> {
  const find = () => database.asSystem((tx) => findTenant(tx, DEMO_TENANT));
  const found = await find();
  if (found) return found;
  try {
    return await database.asSystem((tx) =>
      addTenant(tx, { name: DEMO_TENANT, title: 'Riverside Telephone Supply', zone: DEMO_ZONE }),
    );
  } catch (error) {
    // Another process was faster.
    const tenant =
      error instanceof DaybookError && error.code === 'E_CONFLICT' ? await find() : null;
    if (tenant) return tenant;
    throw error;
  }
}

async function loadMissingDays(
  { database, log, signal, historyDays = DEMO_HISTORY_DAYS }: DemoSurroundings,
  tenant: Tenant,
  yesterday: { readonly date: string; readonly end: number },
): Promise<void> {
  const earliest = yesterday.end - historyDays * DAY_MS;
  for (const [dataset, generate] of [
    ['calls', generateCalls],
    ['order_lines', generateOrderLines],
  ] as const) {
    const mark = await database.asTenant(tenant.id, (tx) => findCompleteThrough(tx, dataset));
    if (mark !== null && mark >= yesterday.end) continue;
    const days = generate({
      seed: SEED,
      zone: zoneOn(tenant.calendar, yesterday.date),
      from: dayAt(tenant.calendar, Math.max(mark ?? earliest, earliest)).date,
      to: yesterday.date,
    });
    const { loaded, updated, unchanged, rejected, first_reject } = await loadRows(
      inTurns(ndjsonOf(days)),
      {
        tenant,
        dataset,
        name: `demo-${dataset}.ndjson`,
        format: 'ndjson',
        map: null,
        requestedBy: WHO,
        completeThrough: yesterday.end,
      },
      { store: storeLoads(database), signal: signal ?? new AbortController().signal },
    );
    if (rejected > 0) throw new DaybookError('E_INTERNAL', { reason: `demo: ${first_reject}` });
    log.info({ dataset, loaded, updated, unchanged }, 'demo data is complete until yesterday');
  }
}

/** A turn of the event loop for everybody else between two days. */
async function* inTurns(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    yield piece;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function findOrMakeKey(
  { database, home }: DemoSurroundings,
  tenant: Tenant,
): Promise<string> {
  const path = join(home, 'demo-key');
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const token = await database.asSystem(async (tx) => {
    const known = await authenticateApiKey(tx, kept.trim());
    if (known?.tenantId === tenant.id) return kept.trim();
    const key = { tenantId: tenant.id, name: 'demo', scopes: ['admin'], createdBy: WHO };
    return (await createApiKey(tx, key)).token;
  });
  if (token === kept.trim()) return token;
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, `${token}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return token;
}
