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
  let cuts = 0;
  const proxy = await standBefore(target, () => {
    let cutting = false;
    return {
      onRequest(bytes) {
        // A simple query: 'Q', four bytes of length, the text.
        const isQuery = bytes.subarray(0, 1).toString() === 'Q';
        if (!isQuery || !bytes.includes('commit\0') || cuts >= times) return;
        cuts += 1;
        cutting = true;
      },
      onAnswer(bytes) {
        if (!cutting) return 'pass';
        return bytes.includes('COMMIT\0') ? 'cut' : 'keep';
      },
    };
  });
  return { ...proxy, cuts: () => cuts };
}

/** Stands before a Postgres server that answers nothing any more once `text` came over a connection. */
export function freezeAfter(target: string, text: string): Promise<Omit<CutProxy, 'cuts'>> {
  return standBefore(target, () => {
    let frozen = false;
    return {
      onRequest(bytes) {
        frozen ||= bytes.includes(text);
      },
      onAnswer: () => (frozen ? 'keep' : 'pass'),
    };
  });
}

/**
 * Stands before a Postgres server, and cuts each connection once `text` came over it and more than
 * `bytes` of the answer went back.
 */
export function cutAfter(
  target: string,
  text: string,
  bytes: number,
): Promise<Omit<CutProxy, 'cuts'>> {
  return standBefore(target, () => {
    let left = Number.POSITIVE_INFINITY;
    return {
      onRequest(request) {
        if (request.includes(text)) left = bytes;
      },
      onAnswer(answer) {
        left -= answer.length;
        return left < 0 ? 'cut' : 'pass';
      },
    };
  });
}

/** Stands before a Postgres server as a pooler does: the process id that it gives out is its own. */
export function poolerBefore(target: string): Promise<Omit<CutProxy, 'cuts'>> {
  // 'K', four bytes of length, the process id, the secret.
  const keyData = Buffer.from([0x4b, 0, 0, 0, 12]);
  return standBefore(target, () => ({
    onRequest: () => {},
    onAnswer(bytes) {
      const at = bytes.indexOf(keyData);
      if (at >= 0) bytes.writeInt32BE(bytes.readInt32BE(at + 5) ^ 0x5555, at + 5);
      return 'pass';
    },
  }));
}

interface Behaviour {
  onRequest(bytes: Buffer): void;
  onAnswer(bytes: Buffer): 'pass' | 'keep' | 'cut';
}

async function standBefore(target: string, ofConnection: () => Behaviour) {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = dial(Number(port), hostname);
    const behaviour = ofConnection();
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
      behaviour.onRequest(bytes);
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      const answer = behaviour.onAnswer(bytes);
      if (answer === 'pass') client.write(bytes);
      else if (answer === 'cut') client.destroy();
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const url = new URL(target);
  url.port = String((proxy.address() as { port: number }).port);
  return {
    url: url.href,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
