import { constants } from 'node:os';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../store/embedded-postgres.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * The embedded server of a home for the length of `work`: joined, or started. Ctrl-C and SIGTERM
 * leave it too, so that no command leaves a server behind; `work` that has something to undo first
 * listens to these signals itself, and then ends by itself.
 */
export async function withEmbeddedServer<T>(
  home: string,
  work: (url: string) => Promise<T>,
): Promise<T> {
  let server: EmbeddedPostgres | null = null;
  let interrupted = false;
  const leave = (signal: (typeof SIGNALS)[number]) => {
    if (process.listenerCount(signal) > 1) return;
    const exit = () => process.exit(128 + constants.signals[signal]);
    // While the server is still starting there is nothing to stop yet; a second signal insists.
    if (interrupted) exit();
    interrupted = true;
    if (server) void server.stop().finally(exit);
  };
  for (const signal of SIGNALS) process.on(signal, leave);
  try {
    server = await startEmbeddedPostgres({ home });
    if (interrupted) {
      await server.stop();
      process.exit(128 + constants.signals.SIGINT);
    }
    return await work(server.url);
  } finally {
    if (!interrupted) await server?.stop();
    for (const signal of SIGNALS) process.off(signal, leave);
  }
}
