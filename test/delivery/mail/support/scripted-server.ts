import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { CERTIFICATE } from './certificate.ts';

/** Where a scripted server departs from saying yes. */
export type Verb = 'connect' | 'ehlo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'end';

/** `cut`: the connection ends; `reset`: abruptly; `silence`: nothing more is said. */
export type Reply = string | 'cut' | 'reset' | 'silence';

export interface ScriptedServer {
  readonly port: number;
  /** Every line that came, but for the content of messages. */
  readonly lines: string[];
  /** Messages whose final dot came, whatever was answered. */
  readonly messages: Buffer[];
  /** Of the next conversations. */
  script: Partial<Record<Verb, Reply>>;
  close(): Promise<void>;
}

const YES: Readonly<Record<Verb, string>> = {
  connect: '220 ready',
  ehlo: '',
  starttls: '220 go on',
  auth: '235 2.7.0 welcome',
  mail: '250 2.1.0 ok',
  rcpt: '250 2.1.5 ok',
  data: '354 go on',
  end: '250 2.0.0 queued as 1',
};

/** A mail server that answers what it is told to; STARTTLS and AUTH are offered as given. */
export async function startScriptedServer(
  offers: { readonly starttls: boolean } = { starttls: true },
): Promise<ScriptedServer> {
  const lines: string[] = [];
  const messages: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    answer(socket, 'connect');
    converse(socket, false);
  });
  const self: ScriptedServer = {
    get port() {
      return (server.address() as { port: number }).port;
    },
    lines,
    messages,
    script: {},
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };

  /** False: the conversation is over. */
  function answer(socket: Socket, verb: Verb, yes = YES[verb]): boolean {
    const reply = self.script[verb] ?? yes;
    if (reply === 'cut') socket.end();
    else if (reply === 'reset')
      socket instanceof TLSSocket ? socket.destroy() : socket.resetAndDestroy();
    else if (reply !== 'silence') socket.write(`${reply}\r\n`);
    return self.script[verb] === undefined;
  }

  function converse(socket: Socket, secure: boolean): void {
    let rest = Buffer.alloc(0);
    let inData = false;
    const take = (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const end = rest.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const line = rest.subarray(0, end);
        rest = rest.subarray(end + (inData ? 5 : 2));
        if (inData) {
          messages.push(Buffer.from(line));
          inData = false;
          answer(socket, 'end');
          continue;
        }
        lines.push(line.toString('latin1'));
        const verb = line.toString('latin1').split(/[ :]/, 1)[0].toUpperCase();
        if (verb === 'EHLO') {
          const tls = offers.starttls && !secure ? ['250-STARTTLS'] : [];
          const all = ['250-scripted', ...tls, '250-SIZE 30000000', '250 AUTH PLAIN'];
          answer(socket, 'ehlo', all.join('\r\n'));
        } else if (verb === 'HELO') answer(socket, 'ehlo', '250 scripted');
        else if (verb === 'STARTTLS' && !offers.starttls) socket.write('502 what is that\r\n');
        else if (verb === 'STARTTLS') {
          if (!answer(socket, 'starttls')) continue;
          socket.off('data', take);
          const upgraded = new TLSSocket(socket, { isServer: true, ...CERTIFICATE });
          upgraded.on('error', () => {});
          converse(upgraded, true);
          return;
        } else if (verb === 'AUTH') answer(socket, 'auth');
        else if (verb === 'MAIL') answer(socket, 'mail');
        else if (verb === 'RCPT') answer(socket, 'rcpt');
        else if (verb === 'DATA') inData = answer(socket, 'data');
        else if (verb === 'QUIT') socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    };
    socket.on('data', take);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return self;
}
