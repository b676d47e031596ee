import type { Database } from './database.ts';
import { databaseNow } from './dataset-marks.ts';

/** How long a reading is carried on by the steady clock of this process. */
const GOOD_FOR_MS = 30_000;

/**
 * The database's clock, read at most twice a minute; in between this process counts on. So all
 * processes of all machines judge an instant alike.
 */
export function createDatabaseClock(database: Database): () => Promise<number> {
  let reading: { readonly ms: number; readonly at: number } | null = null;
  let asking: Promise<void> | null = null;

  async function ask(): Promise<void> {
    const before = performance.now();
    const ms = await database.asSystem(databaseNow, { readOnly: true });
    // It was read somewhere between asking and hearing.
    reading = { ms, at: (before + performance.now()) / 2 };
  }

  return async () => {
    if (reading === null || performance.now() - reading.at > GOOD_FOR_MS) {
      asking ??= ask().finally(() => {
        asking = null;
      });
      await asking;
    }
    const { ms, at } = reading as unknown as { ms: number; at: number };
    return Math.round(ms + performance.now() - at);
  };
}
