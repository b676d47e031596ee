import { sweepOwnUnfinished } from '../cache/unfinished.ts';
import type { Config } from '../config.ts';
import { createLogger } from '../log.ts';
import { startCompute } from '../pool/compute.ts';
import type { WorkMessage } from '../pool/messages.ts';
import { onPrimaryMessage, sendToPrimary } from './parent-channel.ts';

/** A compute process. */
export async function runCompute(config: Config): Promise<void> {
  sweepOwnUnfinished(config.home);
  const compute = startCompute({
    threads: config.threadsPerCompute ?? 1,
    settings: {
      databaseUrl: config.databaseUrl as string,
      home: config.home,
      logLevel: config.logLevel,
    },
    primary: { send: sendToPrimary },
    onThreadEnded: (liveThreads) => sweepOwnUnfinished(config.home, liveThreads),
    log: createLogger({ level: config.logLevel, role: 'compute' }),
  });
  onPrimaryMessage((message: WorkMessage) => {
    if (message.kind !== 'drain') compute.receive(message);
    else void compute.close().finally(() => process.exit(0));
  });
}
