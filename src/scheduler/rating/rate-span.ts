import { randomUUID } from 'node:crypto';
import { CopyWriter } from '../../ingest/copy-writer.ts';
import {
  addDecimal,
  type Decimal,
  formatDecimal,
  negate,
  parseDecimal,
  ZERO,
} from '../../money/decimal.ts';
import type { RowSource } from '../../reports/ports.ts';
import {
  type ChargeChange,
  type ChargeCounts,
  compareCharges,
  makeChargeStage,
  STAGED_CHARGE,
  writeCharges,
} from '../../store/charge-stage.ts';
import { copyInto } from '../../store/copy-into.ts';
import type { Database, Tx } from '../../store/database.ts';
import { type NewEntry, postEntries } from '../../store/ledger.ts';
import { locksIn } from '../../store/period-locks.ts';
import { type CallHour, insertRating, lockRating, noteRatedHours } from '../../store/ratings.ts';
import type { Tenant } from '../../store/tenants.ts';
import { dayAt, windowOf } from '../../time/calendar.ts';
import { addDays } from '../../time/day-number.ts';
import type { PriceBook } from './price-book.ts';
import { ChargeStager } from './stage-charges.ts';

/**
 * Rates the calls of a span of instants and posts what that changes, in one transaction: charges,
 * the ledger's entries of their sums by payer, currency and day, the record of it. Done twice, the
 * second time finds nothing to change. Calls are read before, in a snapshot of their own: one that
 * changes meanwhile has a newer version of its hour, and is rated again.
 */

export interface SpanDeps {
  readonly database: Database;
  readonly source: RowSource;
}

export interface SpanJob {
  readonly tenant: Tenant;
  readonly book: PriceBook;
  readonly mode: 'new' | 'again';
  /** UTC epoch ms, half-open. */
  readonly start: number;
  readonly end: number;
  /** Hours that lie in the span whole, with the versions that were read before the calls are. */
  readonly hours: readonly CallHour[];
  readonly requestedBy: string;
  /** Nothing is written. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

export interface SpanRated extends ChargeCounts {
  readonly calls: number;
  /** Calls of locked days, left as they stand. */
  readonly held: number;
  /** Currency → what charges grew by; exact text. */
  readonly difference: Readonly<Record<string, string>>;
}

const PIECE_BYTES = 1 << 18;
const LONGEST_STATEMENT_MS = 15 * 60_000;

export async function rateSpan(job: SpanJob, deps: SpanDeps): Promise<SpanRated> {
  const { tenant, book, start, end, signal } = job;
  await book.prepare(start, end);
  return deps.database.asTenant(
    tenant.id,
    async (tx) => {
      await lockRating(tx, tenant.id);
      const lockedDates = await lockedDatesOf(tx, job);
      const writer = new CopyWriter(PIECE_BYTES * 2);
      const stager = new ChargeStager({ book, calendar: tenant.calendar, lockedDates, writer });
      await makeChargeStage(tx);
      const stage = Object.keys(STAGED_CHARGE);
      await copyInto(
        tx,
        'pg_temp.daybook_charges',
        stage,
        fillFrom(job, deps, stager, writer),
        signal,
      );
      const span = { tenantId: tenant.id, start, end, mode: job.mode, lockedDates };
      const { counts, changes } = await compareCharges(tx, span);
      const rated = {
        ...counts,
        calls: stager.counts.calls,
        held: stager.counts.held,
        difference: differenceOf(changes),
      };
      if (job.dryRun) return rated;
      signal.throwIfAborted();
      await writeCharges(tx, tenant.id, counts);
      if (counts.added + counts.changed + counts.removed > 0) await record(tx, job, rated, changes);
      const of = { tenantId: tenant.id, ratesVersion: book.version };
      await noteRatedHours(tx, of, job.hours, stager.pending);
      return rated;
    },
    { statementTimeoutMs: LONGEST_STATEMENT_MS },
  );
}

function fillFrom(job: SpanJob, { source }: SpanDeps, stager: ChargeStager, writer: CopyWriter) {
  const { tenant, start, end, signal } = job;
  const of = { tenantId: tenant.id, dataset: 'calls', window: { start, end }, signal } as const;
  return (write: (bytes: Buffer) => Promise<void>) =>
    source.read(of, async ({ chunks }) => {
      for await (const chunk of chunks) {
        stager.add(chunk);
        if (writer.length >= PIECE_BYTES) await write(writer.take());
      }
      writer.endOfRows();
      await write(writer.take());
    });
}

async function lockedDatesOf(tx: Tx, { tenant, start, end }: SpanJob): Promise<string[]> {
  const period = periodOf(tenant, start, end);
  const locks = await locksIn(tx, tenant.id, period);
  const dates = new Set<string>();
  for (const lock of locks) {
    const last = lock.to < period.to ? lock.to : period.to;
    let date = lock.from > period.from ? lock.from : period.from;
    for (; date <= last; date = addDays(date, 1)) dates.add(date);
  }
  return [...dates];
}

function periodOf({ calendar }: Tenant, start: number, end: number) {
  return { from: dayAt(calendar, start).date, to: dayAt(calendar, Math.max(start, end - 1)).date };
}

async function record(
  tx: Tx,
  job: SpanJob,
  rated: SpanRated,
  changes: readonly ChargeChange[],
): Promise<void> {
  const { tenant, mode: kind, requestedBy } = job;
  const id = randomUUID();
  await insertRating(tx, tenant.id, {
    id,
    kind,
    ...periodOf(tenant, job.start, job.end),
    ...rated,
    requestedBy,
  });
  const entries = changes.flatMap((change) => entriesOf(change, id, tenant));
  await postEntries(tx, { tenantId: tenant.id, postedBy: requestedBy }, entries);
}

/** What is charged goes from the payer's account; what was charged and changed is adjusted. */
function entriesOf(change: ChargeChange, ratingId: string, { calendar }: Tenant): NewEntry[] {
  const { payer, currency, billedOn } = change;
  const effectiveAt = windowOf(calendar, { from: billedOn, to: billedOn }).start;
  const entry = (kind: 'charge' | 'adjustment', grown: string): NewEntry[] => {
    const amount = negate(parseDecimal(grown) ?? ZERO);
    if (amount.unscaled === 0n) return [];
    return [
      {
        source: `rating:${ratingId}:${kind}:${billedOn}:${currency}:${payer}`,
        kind,
        effectiveAt,
        bookedOn: billedOn,
        payer,
        currency,
        amount: formatDecimal(amount),
        contra: 'revenue',
        ofCharges: true,
      },
    ];
  };
  return [...entry('charge', change.added), ...entry('adjustment', change.changed)];
}

function differenceOf(changes: readonly ChargeChange[]): Record<string, string> {
  const sums = new Map<string, Decimal>();
  for (const { currency, added, changed } of changes) {
    const grown = addDecimal(parseDecimal(added) ?? ZERO, parseDecimal(changed) ?? ZERO);
    sums.set(currency, addDecimal(sums.get(currency) ?? ZERO, grown));
  }
  return Object.fromEntries([...sums].map(([currency, sum]) => [currency, formatDecimal(sum)]));
}
