import type { Parties } from '../../billing/reconcile/parties.ts';
import type { SideBuilder, SideRow } from '../../billing/reconcile/side.ts';
import type { TextTable } from '../../billing/reconcile/text-table.ts';
import { bytesOf, type Chunk, numbersOf } from '../../reports/chunk.ts';
import { decimalAt, parseDecimals } from '../../reports/decimal-vector.ts';

/** Adds the rows of a chunk of charges to our side. */
export function addCharges(
  builder: SideBuilder,
  chunk: Chunk,
  { ids, parties }: { readonly ids: TextTable; readonly parties: Parties },
): void {
  const id = bytesOf(chunk, 'external_id');
  const caller = bytesOf(chunk, 'caller');
  const callee = bytesOf(chunk, 'callee');
  const startedAt = numbersOf(chunk, 'started_at').values;
  const seconds = numbersOf(chunk, 'billed_seconds').values;
  const amounts = parseDecimals(bytesOf(chunk, 'amount'));
  const row: SideRow = {
    ...{ rowNumber: 0, startedAtMs: 0, billedSeconds: 0, caller: 0, callee: 0, id: -1 },
    amount: { unscaled: 0n, scale: 0 },
  };
  for (let at = 0; at < chunk.rows; at++) {
    row.rowNumber = builder.rows + 1;
    row.startedAtMs = startedAt[at];
    row.billedSeconds = seconds[at];
    const amount = decimalAt(amounts, at);
    if (amount === null) throw new RangeError('a rated charge has no amount');
    row.amount = amount;
    row.caller = parties.read(caller.bytes, caller.offsets[at], caller.offsets[at + 1]);
    row.callee = parties.read(callee.bytes, callee.offsets[at], callee.offsets[at + 1]);
    row.id = ids.intern(id.bytes, id.offsets[at], id.offsets[at + 1]);
    builder.add(row);
  }
}
