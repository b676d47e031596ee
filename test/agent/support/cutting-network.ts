import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a server that is cut again and again: before a request, within it, before its answer. */
export interface CuttingNetwork {
  readonly url: string;
  /** Connections that were cut, by how. */
  readonly cuts: Readonly<Record<Cut, number>>;
  close(): Promise<void>;
}

export type Cut = 'before' | 'midway' | 'after';
const CUTS: readonly Cut[] = ['before', 'midway', 'after'];

/** Cuts every `each`-th request, one way after the other, until it has cut `most` times. */
export async function cuttingNetwork(
  target: string,
  { each, most }: { readonly each: number; readonly most: number },
): Promise<CuttingNetwork> {
  const { hostname, port } = new URL(target);
  const cuts: Record<Cut, number> = { before: 0, midway: 0, after: 0 };
  const sockets = new Set<Socket>();
  let requests = 0;
  let done = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let cut: Cut | null = null;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.once('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    const cutNow = (how: Cut) => {
      cuts[how]++;
      end();
    };
    client.on('data', (bytes) => {
      if (bytes.subarray(0, 5).toString('latin1') === 'POST ') {
        cut = ++requests % each === 0 && done < most ? CUTS[done++ % CUTS.length] : null;
        if (cut === 'before') return cutNow('before');
        if (cut === 'midway') {
          upstream.write(bytes.subarray(0, bytes.length >> 1), () => cutNow('midway'));
          cut = null;
          return;
        }
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (cut !== 'after') {
        client.write(bytes);
        return;
      }
      cut = null;
      cutNow('after');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    cuts,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
