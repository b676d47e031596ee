import type { Receiver } from './receiver.ts';
import { callRows, ndjson, sign } from './sender.ts';

/**
 * Batches that overlap, so that each updates some rows of the one before; one row of each is bad.
 * @param from number of the first
 */
export async function sendBatches(
  to: Receiver,
  { from = 0, batches, rows }: { from?: number; batches: number; rows: number },
): Promise<void> {
  for (let i = from; i < from + batches; i++) {
    const body = ndjson([
      ...callRows(i * rows, rows + 50, { agent: `agent-${i}` }),
      { external_id: `bad-${i}` },
    ]);
    const { status } = await to.post(sign(to.key, body, { id: `batch-${i}` }));
    if (status !== 202) throw new Error(`batch ${i} was answered ${status}`);
  }
  const mark = sign(to.key, '{"complete_through":"2024-02-01T00:00:00Z"}', {
    ...{ id: `mark-${from}`, type: 'application/json' },
  });
  await to.post(mark, 'calls/complete');
}
