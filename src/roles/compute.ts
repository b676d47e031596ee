import { writeFileSync } from 'node:fs';
import { sweepOwnUnfinished } from '../cache/unfinished.ts';
import type { Config } from '../config.ts';
import { createLogger } from '../log.ts';
import { startCompute } from '../pool/compute.ts';
import type { WorkMessage } from '../pool/messages.ts';
import { onDrain, sendToPrimary } from './parent-channel.ts';
import { stepBack } from './step-back.ts';

/** A compute process. */
export async function runCompute(config: Config): Promise<void> {
  const log = createLogger({ level: config.logLevel, role: 'compute' });
  sweepOwnUnfinished(config.home);
  offerToKernel();
  stepBack();
  const compute = startCompute({
    threads: config.threadsPerCompute ?? 1,
    settings: {
      databaseUrl: config.databaseUrl as string,
      home: config.home,
      logLevel: config.logLevel,
      secret: config.secret,
      privateTargets: config.privateTargets,
    },
    memoryBytes: config.memoryBytes,
    primary: { send: sendToPrimary },
    onThreadEnded: (liveThreads) => sweepOwnUnfinished(config.home, liveThreads),
    onUseless(reason) {
      log.error({ reason }, 'this process is of no more use');
      process.exit(1);
    },
    log,
  });
  process.on('message', (message: WorkMessage) => compute.receive(message));
  onDrain(() => compute.close());
}

/** Where memory runs out all the same, the kernel is to take this process and not one that people talk to. */
function offerToKernel(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // There is no such wish on this system.
  }
}
