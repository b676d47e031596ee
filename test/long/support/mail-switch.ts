import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/** Stands before a server, and is it, or takes no connection, or takes them and says nothing. */
export interface MailSwitch {
  readonly port: number;
  /** Connections that are open end. */
  set(mode: 'pass' | 'refuse' | 'hang'): Promise<void>;
  close(): Promise<void>;
}

export async function startMailSwitch(target: number): Promise<MailSwitch> {
  const sockets = new Set<Socket>();
  let mode: 'pass' | 'refuse' | 'hang' = 'pass';
  let server = listening(0);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };

  function keep(socket: Socket): Socket {
    sockets.add(socket);
    return socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  }

  function listening(at: number): Server {
    return createServer((client) => {
      keep(client);
      if (mode === 'hang') return;
      const there = keep(dial(target, '127.0.0.1'));
      client.pipe(there).pipe(client);
      client.once('close', () => there.destroy());
      there.once('close', () => client.destroy());
    }).listen(at, '127.0.0.1');
  }

  async function end(): Promise<void> {
    const closed = server.listening ? once(server, 'close') : null;
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  return {
    port,
    async set(next) {
      await end();
      mode = next;
      if (mode === 'refuse') return;
      server = listening(port);
      await once(server, 'listening');
    },
    close: end,
  };
}
