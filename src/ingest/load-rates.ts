import { checkRates } from '../billing/check-rates.ts';
import type { PlanTerms, RateRow } from '../billing/rate-plan.ts';
import { DIRECTIONS_OF_PLANS } from '../billing/rate-plan.ts';
import { DaybookError } from '../errors.ts';
import { NO_MAP } from '../mapping/load-map.ts';
import { parseLoadMap } from '../mapping/parse-load-map.ts';
import { isCurrency } from '../money/currencies.ts';
import { datasetOf } from '../reports/dataset.ts';
import type { Database, Tx } from '../store/database.ts';
import { findPlan, putPlan, type StoredPlan } from '../store/rate-plans.ts';
import { contentAt, contentOf, putVersion } from '../store/rate-versions.ts';
import type { Tenant } from '../store/tenants.ts';
import { dayAt } from '../time/calendar.ts';
import type { Bytes } from './byte-source.ts';
import type { InputFormat } from './input-format.ts';
import { columnsOf, openRows } from './open-rows.ts';
import { isProblem, rateReader, type SheetProblem, type SheetRow } from './read-rates.ts';

/**
 * Loads a rate sheet: all of it or nothing. Its rows make one price list for each plan and instant;
 * a list that is there already in the same words changes nothing, and one in other words is an
 * overlap, unless it is to be replaced. A plan that is not there is made, in the sheet's currency or
 * the tenant's.
 */

export interface RatesRequest {
  readonly tenant: Tenant;
  /** Of the file, for messages and for the record. */
  readonly name: string;
  readonly format: InputFormat | null;
  readonly map: unknown;
  readonly requestedBy: string;
  /** Lists of the same plan and instant give way. */
  readonly replace: boolean;
}

export interface RatesResult {
  /** Rows of lists that are new, that took the place of others, that were there. */
  readonly loaded: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly rejected: 0;
  /** Local dates on which lists of the sheet begin. */
  readonly days: number;
  readonly versions: readonly {
    readonly plan: string;
    readonly valid_from: string;
    readonly rows: number;
    readonly state: 'new' | 'replaced' | 'unchanged';
  }[];
}

/** Named in the message; the others are counted. */
const MOST_NAMED = 10;
const MOST_ROWS = 2_000_000;
const LONGEST_STATEMENT_MS = 300_000;

/** @throws DaybookError `E_INPUT` that names the rows, the fields and why; `E_MAP` */
export async function loadRates(
  bytes: Bytes,
  request: RatesRequest,
  { database, signal }: { readonly database: Database; readonly signal: AbortSignal },
): Promise<RatesResult> {
  const rows = await readSheet(bytes, request, signal);
  const lists = listsOf(rows);
  return database.asTenant(
    request.tenant.id,
    async (tx) => {
      // Sheets of a tenant take turns: what is compared stays as it was.
      await tx.run(`select pg_advisory_xact_lock(hashtextextended('daybook rates ' || $1, 0))`, [
        request.tenant.id,
      ]);
      const plans = await plansOf(tx, request, lists);
      const problems = lists.flatMap((list) => problemsOf(list, plans));
      const states = await statesOf(tx, request, lists, problems);
      refuseIf(problems, request.name);
      return apply(tx, request, lists, plans, states);
    },
    { statementTimeoutMs: LONGEST_STATEMENT_MS },
  );
}

/** The rows of one plan and instant, in the order of the file. */
interface PriceSheet {
  readonly plan: string;
  readonly validFrom: number;
  readonly rows: readonly SheetRow[];
  readonly rates: readonly RateRow[];
}

async function readSheet(
  bytes: Bytes,
  request: RatesRequest,
  signal: AbortSignal,
): Promise<SheetRow[]> {
  const dataset = datasetOf('rates');
  const map = request.map === null ? NO_MAP : parseLoadMap(request.map, dataset);
  const { reader } = await openRows(bytes, { ...request, map, dataset });
  const rows: SheetRow[] = [];
  const problems: SheetProblem[] = [];
  try {
    const { calendar } = request.tenant;
    const zone = calendar[calendar.length - 1].zone;
    const read = rateReader(map, columnsOf(reader, map, dataset), zone);
    const visit = (row: Parameters<typeof read>[0]) => {
      const one = read(row);
      if (isProblem(one)) problems.push(one);
      else rows.push(one);
    };
    while (await reader.next(visit)) {
      signal.throwIfAborted();
      if (rows.length > MOST_ROWS) {
        const expected = `${MOST_ROWS} rows in one sheet`;
        throw new DaybookError('E_TOO_LARGE', { where: request.name, got: rows.length, expected });
      }
    }
  } finally {
    await reader.close();
  }
  refuseIf(problems, request.name);
  if (rows.length > 0) return rows;
  throw new DaybookError('E_INPUT', { where: request.name, reason: 'there is no row' });
}

function listsOf(rows: readonly SheetRow[]): PriceSheet[] {
  const lists = new Map<string, SheetRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.plan, row.validFrom]);
    const list = lists.get(key);
    if (list) list.push(row);
    else lists.set(key, [row]);
  }
  return [...lists.values()].map((its) => ({
    plan: its[0].plan,
    validFrom: its[0].validFrom,
    rows: its,
    rates: its.map(({ rate }) => rate),
  }));
}

interface SheetPlan {
  readonly terms: PlanTerms;
  readonly stored: StoredPlan | null;
}

async function plansOf(
  tx: Tx,
  { tenant }: RatesRequest,
  lists: readonly PriceSheet[],
): Promise<ReadonlyMap<string, SheetPlan>> {
  const plans = new Map<string, SheetPlan>();
  for (const { plan, rows } of lists) {
    if (plans.has(plan)) continue;
    const stored = await findPlan(tx, tenant.id, plan);
    const { zone } = tenant.calendar[tenant.calendar.length - 1];
    const currency = rows.find((row) => row.currency !== null)?.currency ?? tenant.currency;
    const direction = rows.find((row) => row.direction !== null)?.direction ?? 'outbound';
    const made = { name: plan, currency, zone, direction, ...USUAL_TERMS } as PlanTerms;
    plans.set(plan, { stored, terms: stored ? { ...stored, zone: stored.zone ?? zone } : made });
  }
  return plans;
}

const USUAL_TERMS = {
  prefixOf: 'callee',
  rounding: 'half_up',
  roundingScale: 4,
  freeSeconds: 0,
  minimumCharge: null,
  maximumCharge: null,
  windows: {},
} as const;

function problemsOf(list: PriceSheet, plans: ReadonlyMap<string, SheetPlan>): SheetProblem[] {
  const { terms } = plans.get(list.plan) as SheetPlan;
  const numberOf = (index: number) => list.rows[index].number;
  const together = checkRates(terms, list.rates).map(({ row, field, reason }) => ({
    row: numberOf(row),
    field,
    reason: reason.replace(/\{row:(\d+)\}/g, (_, index) => String(numberOf(Number(index)))),
  }));
  return [...list.rows.flatMap((row) => termsProblem(row, terms)), ...together];
}

function termsProblem(row: SheetRow, terms: PlanTerms): SheetProblem[] {
  const { currency, direction, number, plan } = row;
  const problem = (field: string, reason: string) => [{ row: number, field, reason }];
  if (currency !== null && !isCurrency(currency)) {
    return problem('currency', `got ${JSON.stringify(currency)}; expected a code of ISO 4217`);
  }
  if (currency !== null && currency !== terms.currency) {
    return problem('currency', `got ${currency}; the plan ${plan} is in ${terms.currency}`);
  }
  if (direction !== null && !DIRECTIONS_OF_PLANS.some((each) => each === direction)) {
    const expected = `expected one of ${DIRECTIONS_OF_PLANS.join(', ')}`;
    return problem('direction', `got ${JSON.stringify(direction)}; ${expected}`);
  }
  if (direction !== null && direction !== terms.direction) {
    return problem('direction', `got ${direction}; the plan ${plan} is for ${terms.direction}`);
  }
  return [];
}

type State = 'new' | 'replaced' | 'unchanged';

async function statesOf(
  tx: Tx,
  request: RatesRequest,
  lists: readonly PriceSheet[],
  problems: SheetProblem[],
): Promise<State[]> {
  const states: State[] = [];
  for (const { plan, validFrom, rows, rates } of lists) {
    const there = await contentAt(tx, { tenantId: request.tenant.id, plan, validFrom });
    const isSame = there !== null && there === contentOf(rates);
    states.push(there === null ? 'new' : isSame ? 'unchanged' : 'replaced');
    if (there === null || isSame || request.replace) continue;
    const from = new Date(validFrom).toISOString();
    problems.push({
      row: rows[0].number,
      field: 'valid_from',
      reason: `overlaps the version of ${plan} that is valid from ${from} already, with other rates; --replace puts this one in its place`,
    });
  }
  return states;
}

async function apply(
  tx: Tx,
  request: RatesRequest,
  lists: readonly PriceSheet[],
  plans: ReadonlyMap<string, SheetPlan>,
  states: readonly State[],
): Promise<RatesResult> {
  const { tenant, requestedBy } = request;
  const of = { tenantId: tenant.id, tenantCurrency: tenant.currency, changedBy: requestedBy };
  for (const { stored, terms } of plans.values()) {
    const { name, currency, direction } = terms;
    if (stored === null) await putPlan(tx, { ...of, name, currency, direction });
  }
  const counts = { new: 0, replaced: 0, unchanged: 0 };
  for (const [index, { plan, validFrom, rates }] of lists.entries()) {
    counts[states[index]] += rates.length;
    if (states[index] === 'unchanged') continue;
    const version = { plan, validFrom, rows: rates, fileName: request.name };
    await putVersion(tx, { tenantId: tenant.id, ...version, loadedBy: requestedBy });
  }
  return {
    loaded: counts.new,
    updated: counts.replaced,
    unchanged: counts.unchanged,
    rejected: 0,
    days: new Set(lists.map(({ validFrom }) => dayAt(tenant.calendar, validFrom).date)).size,
    versions: lists.map(({ plan, validFrom, rates }, index) => ({
      plan,
      valid_from: new Date(validFrom).toISOString(),
      rows: rates.length,
      state: states[index],
    })),
  };
}

/** @throws DaybookError `E_INPUT` */
function refuseIf(problems: readonly SheetProblem[], name: string): void {
  if (problems.length === 0) return;
  const sorted = [...problems].sort((a, b) => a.row - b.row);
  const named = sorted.slice(0, MOST_NAMED).map(({ row, field, reason }) => {
    return `row ${row}${field === null ? '' : `, ${field}`}: ${reason}`;
  });
  const more = sorted.length - named.length;
  const rest = more > 0 ? `; and ${more} more` : '';
  throw new DaybookError('E_INPUT', {
    where: name,
    reason: `${named.join('; ')}${rest}. Nothing of it was loaded`,
  });
}
