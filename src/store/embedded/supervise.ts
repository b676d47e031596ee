import { toDaybookError } from '../../errors.ts';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from './home-server.ts';

/** What happened to a supervised server. */
export type PostgresEvent =
  | { readonly kind: 'lost'; readonly pid: number; readonly exitCode: number | null }
  | { readonly kind: 'restarted'; readonly pid: number; readonly tries: number }
  | { readonly kind: 'restart-failed'; readonly reason: string; readonly nextTryMs: number };

export interface SupervisedPostgres {
  /** Stays the same over restarts. */
  readonly url: string;
  /** Of the server as it is now. */
  pid(): number;
  /** Ends the watch and leaves the server (see {@link EmbeddedPostgres.stop}). */
  stop(): Promise<void>;
}

const SHORTEST_MS = 200;
const LONGEST_MS = 5_000;

/**
 * Starts or joins the server of this home and brings it back on the same port whenever it ends by
 * itself, after 0.2 s and then doubling to 5 s, with jitter, for as long as it takes. Who is
 * connected meanwhile loses the connection and has to come again.
 */
export async function superviseEmbeddedPostgres(
  options: EmbeddedPostgresOptions & { readonly onEvent: (event: PostgresEvent) => void },
): Promise<SupervisedPostgres> {
  let server = await startEmbeddedPostgres(options);
  const { url, port } = server;
  const stopping = new AbortController();
  const watch = keepAlive();

  async function keepAlive(): Promise<void> {
    while (!stopping.signal.aborted) {
      const exitCode = await Promise.race([server.exited, aborted(stopping.signal)]);
      if (exitCode === 'aborted') return;
      options.onEvent({ kind: 'lost', pid: server.pid, exitCode });
      const next = await bringBack();
      if (next) server = next;
    }
  }

  async function bringBack(): Promise<EmbeddedPostgres | null> {
    for (let tries = 1; ; tries += 1) {
      const delayMs =
        Math.min(LONGEST_MS, SHORTEST_MS * 2 ** (tries - 1)) * (0.75 + Math.random() / 2);
      await pause(delayMs, stopping.signal);
      if (stopping.signal.aborted) return null;
      try {
        const next = await startEmbeddedPostgres({ ...options, port });
        // Our note of the lost server goes only now, so that nobody saw the home unused.
        await server.stop();
        options.onEvent({ kind: 'restarted', pid: next.pid, tries });
        return next;
      } catch (error) {
        const reason = toDaybookError(error).message;
        options.onEvent({ kind: 'restart-failed', reason, nextTryMs: Math.round(delayMs * 2) });
      }
    }
  }

  return {
    url,
    pid: () => server.pid,
    stop: async () => {
      stopping.abort();
      await watch;
      await server.stop();
    },
  };
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('aborted');
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([over, aborted(signal)]);
  clearTimeout(timer);
}
