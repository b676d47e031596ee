import { DaybookError } from '../errors.ts';

/**
 * Runs `work` with a signal that SIGINT (Ctrl-C) and SIGTERM abort, so that it can undo what it
 * began; a second one ends the process at once.
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort(new DaybookError('E_CANCELLED', { what: 'the command', got: `(${name})` }));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
