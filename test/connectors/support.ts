import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** An API of somebody else, as a test says that it answers. */
export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text goes out as it is. */
  readonly body?: unknown;
  /** The connection ends in the middle of the body. */
  readonly cut?: boolean;
}

export async function startForeignApi(answerTo: (asked: Asked, number: number) => Answer) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
      const one = { method: request.method ?? '', url, headers: request.headers, body };
      asked.push(one);
      const answer = answerTo(one, asked.length);
      const sent =
        typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? null);
      response.writeHead(answer.status ?? 200, {
        'content-type': 'application/json',
        ...answer.headers,
        ...(answer.cut ? { 'content-length': String(sent.length + 10) } : {}),
      });
      if (answer.cut) response.write(sent, () => response.destroy());
      else response.end(sent);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
