import type { ForeignSource } from './foreign-source.ts';

/** Foreign sources that are open, each for a while after its last use: the next day wants it again. */
export interface OpenedSources {
  /** `open` is called when none of this key is open. */
  use<T>(
    key: string,
    open: () => ForeignSource,
    work: (source: ForeignSource) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

const IDLE_MS = 30_000;

interface Opened {
  readonly source: ForeignSource;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

/** Must be closed. */
export function createOpenedSources(): OpenedSources {
  const opened = new Map<string, Opened>();

  async function closeOne(key: string, entry: Opened): Promise<void> {
    clearTimeout(entry.idle);
    if (opened.get(key) === entry) opened.delete(key);
    await entry.source.close();
  }

  return {
    async use(key, open, work) {
      const entry = opened.get(key) ?? { source: open(), users: 0, idle: undefined };
      opened.set(key, entry);
      clearTimeout(entry.idle);
      entry.users += 1;
      try {
        return await work(entry.source);
      } finally {
        entry.users -= 1;
        if (entry.users === 0) {
          entry.idle = setTimeout(() => void closeOne(key, entry).catch(() => {}), IDLE_MS);
          // Nobody has to wait for it to end.
          entry.idle.unref();
        }
      }
    },
    async close() {
      await Promise.all([...opened].map(([key, entry]) => closeOne(key, entry)));
    },
  };
}
