import { AggregatorRegistry } from 'prom-client';
import { configFromProcess } from './config.ts';
import { keepPrimaryMessages } from './roles/parent-channel.ts';

/** The entry of every process that the primary forks: its role decides what it becomes. */
const config = configFromProcess();
// Signals reach the whole group; the primary alone answers them and tells its children.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit(1));
keepPrimaryMessages();
// Answers the primary when it gathers metrics.
new AggregatorRegistry();

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
