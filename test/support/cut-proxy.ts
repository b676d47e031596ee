import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';

export interface CutProxy {
  /** The URL that leads through the proxy. */
  readonly url: string;
  /** Connections that were cut. */
  cuts(): number;
  close(): Promise<void>;
}

/**
 * Stands before a Postgres server. The first `times` commits reach the server and are done there,
 * but the connection is cut before the answer comes back.
 */
export async function cutAfterCommit(target: string, times: number): Promise<CutProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let cuts = 0;
  const proxy = createServer((client) => {
    const server = dial(Number(port), hostname);
    let cutting = false;
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (bytes) => {
      // A simple query: 'Q', four bytes of length, the text.
      if (bytes.subarray(0, 1).toString() === 'Q' && bytes.includes('commit\0') && cuts < times) {
        cuts += 1;
        cutting = true;
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (cutting) client.destroy();
      else client.write(bytes);
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const url = new URL(target);
  url.port = String((proxy.address() as { port: number }).port);
  return {
    url: url.href,
    cuts: () => cuts,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
