import { once } from 'node:events';
import { createServer } from 'node:net';
import { until } from '../../faults/support/daybook.ts';
import type { UpRig } from '../../faults/support/up.ts';

/** Stops the embedded Postgres of a live `up`, and keeps it from coming back until it may. */
export async function stopPostgres(rig: UpRig): Promise<() => Promise<void>> {
  const pid = await until(() => rig.postgresPid() ?? null, 'there is a Postgres');
  const port = Number(new URL(rig.url()).port);
  process.kill(pid, 'SIGINT');
  // Who has its port keeps the next one from starting.
  const server = await until(
    async () => {
      const taking = createServer((socket) => socket.on('error', () => {}).destroy());
      taking.listen(port, '127.0.0.1');
      const taken = await Promise.race([
        once(taking, 'listening').then(() => true),
        once(taking, 'error').then(() => false),
      ]).catch(() => false);
      return taken ? taking : null;
    },
    'the port is free',
    10_000,
  );
  return async () => {
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
}
