import { AggregatorRegistry } from 'prom-client';
import { configFromProcess } from './config.ts';

/** The entry of every process that the primary forks: its role decides what it becomes. */
const config = configFromProcess();
// Signals reach the whole group; the primary alone answers them and tells its children.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});
process.on('disconnect', () => process.exit(1));
// Answers the primary when it gathers metrics.
new AggregatorRegistry();

// Told to end before the role listens to it: nothing has begun yet.
const endEarly = (message: { kind?: unknown }) => {
  if (message.kind === 'drain') process.exit(0);
};
process.on('message', endEarly);

switch (config.role) {
  case 'api':
    await (await import('./roles/api.ts')).runApi(config);
    break;
  case 'runner':
    await (await import('./roles/runner.ts')).runRunner(config);
    break;
  case 'compute':
    await (await import('./roles/compute.ts')).runCompute(config);
    break;
  default:
    process.stderr.write('daybook: this file is started by the primary; use `daybook up`\n');
    process.exitCode = 2;
}
process.off('message', endEarly);
