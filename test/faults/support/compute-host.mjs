import { startCompute } from '../../../dist/pool/compute.js';

/** A compute process on its own, with limits of a few seconds: the test is its primary. */

const [threads, settings] = process.argv.slice(2);
const compute = startCompute({
  threads: Number(threads),
  settings: JSON.parse(settings),
  memoryBytes: 2 ** 30,
  primary: { send: (message) => process.send(message) },
  onThreadEnded: () => {},
  onUseless: () => process.exit(1),
  limits: { silentLooks: 5, stillLooks: 60, looks: 90 },
  log: { warn: () => {}, error: () => {} },
});
process.on('message', (message) => compute.receive(message));
process.on('disconnect', () => process.exit(0));
