import type { Bytes } from '../ingest/byte-source.ts';
import type { LoadProgress } from '../ingest/load-rows.ts';

const REDRAW_MS = 200;

/** One line on a terminal that says how far a load is; nothing elsewhere. */
export function openLoadProgress(out: NodeJS.WriteStream, sizeBytes: number | null) {
  const since = performance.now();
  let drawnAt = 0;
  let bytesRead = 0;

  function show({ rows, rejected, merging }: LoadProgress): void {
    const now = performance.now();
    if (!out.isTTY || (now - drawnAt < REDRAW_MS && !merging)) return;
    drawnAt = now;
    const perSecond = Math.round((rows * 1000) / Math.max(1, now - since));
    const share = sizeBytes ? `${Math.floor((bytesRead * 100) / sizeBytes)} %, ` : '';
    const refused = rejected > 0 ? `, ${rejected} rejected` : '';
    const text = merging
      ? `${rows} rows read, merging`
      : `${share}${rows} rows, ${perSecond} rows/s`;
    out.write(`\r\x1b[K${text}${refused}`);
  }

  return {
    show,
    async *counted(bytes: Bytes): Bytes {
      for await (const piece of bytes) {
        bytesRead += piece.length;
        yield piece;
      }
    },
    close(): void {
      if (drawnAt > 0) out.write('\r\x1b[K');
    },
  };
}
