import { SideBuilder, type SideRow } from '../../billing/reconcile/side.ts';
import { bytesOf, type Chunk, numbersOf } from '../../reports/chunk.ts';
import { decimalAt, parseDecimals } from '../../reports/decimal-vector.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { ReadCarrier } from './run-reconciliation.ts';

/** Rows of `carrier_calls` as the carrier's side, in place of a file. */

/**
 * Reads those of a period, in one snapshot and in canonical order; a row's number is its place.
 * @param trunk only those that bear it; null: all
 */
export function readLoaded(
  source: Pick<RowSource, 'read'>,
  { tenantId, trunk }: { readonly tenantId: string; readonly trunk: string | null },
): ReadCarrier {
  return (window, { ids, parties, signal }) =>
    source.read({ tenantId, dataset: 'carrier_calls', window, signal }, async ({ chunks }) => {
      const builder = new SideBuilder();
      const currencies = new Map<string, number>();
      const wanted = trunk === null ? null : Buffer.from(trunk);
      let first = Number.POSITIVE_INFINITY;
      let last = Number.NEGATIVE_INFINITY;
      const row: SideRow = {
        ...{ rowNumber: 0, startedAtMs: 0, billedSeconds: 0, caller: 0, callee: 0, id: -1 },
        amount: { unscaled: 0n, scale: 0 },
      };
      for await (const chunk of chunks) {
        signal.throwIfAborted();
        const of = columnsOf(chunk);
        for (let at = 0; at < chunk.rows; at++) {
          if (wanted !== null && !wanted.equals(bytesAt(of.trunk, at))) continue;
          const amount = decimalAt(of.amounts, at);
          if (amount === null) throw new RangeError('a row of a carrier has no amount');
          row.rowNumber = builder.rows + 1;
          row.startedAtMs = of.startedAt[at];
          row.billedSeconds = of.seconds[at];
          row.amount = amount;
          row.caller = parties.read(
            of.caller.bytes,
            of.caller.offsets[at],
            of.caller.offsets[at + 1],
          );
          row.callee = parties.read(
            of.callee.bytes,
            of.callee.offsets[at],
            of.callee.offsets[at + 1],
          );
          const [start, end] = [of.id.offsets[at], of.id.offsets[at + 1]];
          row.id = start === end ? -1 : ids.intern(of.id.bytes, start, end);
          builder.add(row);
          const currency = Buffer.from(bytesAt(of.currency, at)).toString().trim().toUpperCase();
          currencies.set(currency, (currencies.get(currency) ?? 0) + 1);
          first = Math.min(first, row.startedAtMs);
          last = Math.max(last, row.startedAtMs);
        }
      }
      const side = builder.build();
      const found = {
        ...{ rows: side.rows, within: side.rows, first, last },
        currencies: [...currencies].map(([currency, rows]) => ({ currency, rows })),
      };
      return { side, found };
    });
}

interface TextColumn {
  readonly bytes: Uint8Array;
  readonly offsets: ArrayLike<number>;
}

function bytesAt({ bytes, offsets }: TextColumn, at: number): Uint8Array {
  return bytes.subarray(offsets[at], offsets[at + 1]);
}

function columnsOf(chunk: Chunk) {
  return {
    id: bytesOf(chunk, 'external_id'),
    caller: bytesOf(chunk, 'caller'),
    callee: bytesOf(chunk, 'callee'),
    currency: bytesOf(chunk, 'currency'),
    trunk: bytesOf(chunk, 'trunk'),
    startedAt: numbersOf(chunk, 'started_at').values,
    seconds: numbersOf(chunk, 'billed_seconds').values,
    amounts: parseDecimals(bytesOf(chunk, 'amount')),
  };
}
