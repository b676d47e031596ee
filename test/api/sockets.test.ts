import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from './support.ts';

/** What only shows on a real connection. */

let api: TestApi;
let port: number;
beforeAll(async () => {
  api = await startApi();
  await api.server.listen({ host: '127.0.0.1', port: 0 });
  port = (api.server.server.address() as AddressInfo).port;
});
afterAll(() => api.close());

const head = (lines: string[], auth = true) =>
  [
    'POST /v1/exports HTTP/1.1',
    'Host: x',
    ...(auth ? [`Authorization: ${api.asA.authorization}`] : []),
    'Content-Type: application/json',
    ...lines,
    '',
    '',
  ].join('\r\n');

/** Everything that the server says until it closes. */
async function conversation(talk: (socket: Socket) => void | Promise<void>): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'connect');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await talk(socket);
  await closed;
  return text;
}

describe('a body of 100 MB', () => {
  it('is refused by its announced length before a byte of it was sent', async () => {
    const text = await conversation((socket) => {
      socket.write(head([`Content-Length: ${100 << 20}`]));
    });
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text.toLowerCase()).toContain('connection: close');
    expect(text).toContain('"code":"E_TOO_LARGE"');
  });

  it('in chunks is refused at the limit, and the rest is not taken', async () => {
    const chunk = Buffer.alloc(64 << 10, 0x20);
    let sent = 0;
    const text = await conversation((socket) => {
      socket.write(head(['Transfer-Encoding: chunked']));
      const more = () => {
        if (!socket.writable || socket.readableEnded || sent >= 100 << 20) return;
        sent += chunk.length;
        socket.write(`${chunk.length.toString(16)}\r\n`);
        socket.write(chunk);
        socket.write('\r\n', () => setImmediate(more));
      };
      more();
    });
    if (text !== '') expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(sent).toBeLessThan(50 << 20);
  });

  it('of nobody known is refused before it is read', async () => {
    const text = await conversation((socket) => {
      socket.write(head([`Content-Length: ${100 << 20}`], false));
    });
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text.toLowerCase()).toContain('connection: close');
  });
});

describe('what is not a request', () => {
  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a head of 100 kB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`, 431],
    ['an address of 100 kB', `GET /${'y'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('%s is answered with a problem and closed', async (_, text, status) => {
    const answer = await conversation((socket) => void socket.write(text));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
    expect(problem).toMatchObject({ status, code: expect.stringMatching(/^E_/) });
  });

  it('a method that nobody knows is a problem', async () => {
    const answer = await conversation(
      (socket) => void socket.write('BREW / HTTP/1.1\r\nHost: x\r\n\r\n'),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 40[05] /);
    expect(answer).toContain('application/problem+json');
  });
});

describe('slow senders', () => {
  it('do not keep others from an answer, and have deadlines', async () => {
    const sockets = Array.from({ length: 200 }, () =>
      connect(port, '127.0.0.1').on('error', () => {}),
    );
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nX-Slow: ');
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect(answer.status).toBe(200);
    expect(api.server.server.headersTimeout).toBeLessThanOrEqual(10_000);
    expect(api.server.server.requestTimeout).toBeLessThanOrEqual(60_000);
    for (const socket of sockets) socket.destroy();
  });
});
