import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { MailTransport } from '../../../src/delivery/mail/mail-transport.ts';
import type { SendOutcome } from '../../../src/delivery/mail/send-outcome.ts';
import { parseSmtpUrl } from '../../../src/delivery/mail/smtp-settings.ts';
import { openSmtpTransport } from '../../../src/delivery/mail/smtp-transport.ts';
import { CERTIFICATE } from './support/certificate.ts';
import { sampleMail } from './support/mails.ts';
import {
  type Reply,
  type ScriptedServer,
  startScriptedServer,
  type Verb,
} from './support/scripted-server.ts';

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

const VERBS = ['connect', 'ehlo', 'starttls', 'auth', 'mail', 'rcpt', 'data', 'end'] as const;
const REPLIES = [
  ...['421 4.3.2 going away', '450 4.2.0 greylisted', '451 4.3.0 try later', '452 4.3.1 full'],
  ...['503 5.5.1 bad sequence', '535 5.7.8 who are you', '550 5.1.1 no such user'],
  ...['552 5.3.4 too big', '554 5.7.1 refused', 'garbage', 'cut', 'silence'],
] as const;

/** What must be said of each: t temporary, p permanent, a ambiguous; in the order of REPLIES. */
const EXPECTED: Readonly<Record<Verb, string>> = {
  //        421 450 451 452 503 535 550 552 554 garbage cut silence
  connect: 't   t   t   t   t   t   t   t   t   t       t   t',
  ehlo: '   t   t   t   t   t   t   t   t   t   t       t   t',
  starttls: 't  t   t   t   t   t   t   t   t   t       t   t',
  auth: '   t   t   t   t   t   t   t   t   t   t       t   t',
  mail: '   t   t   t   t   t   p   p   p   p   t       t   t',
  rcpt: '   t   t   t   t   t   p   p   t   p   t       t   t',
  data: '   t   t   t   t   t   p   p   p   p   t       t   t',
  end: '    t   t   t   t   t   p   p   p   p   a       a   a',
};
const KINDS: Readonly<Record<string, SendOutcome['kind']>> = {
  ...{ t: 'temporary', p: 'permanent', a: 'ambiguous' },
};

function open(query = ''): MailTransport {
  const transport = openSmtpTransport({
    settings: parseSmtpUrl(`smtp://user:word@localhost:${server.port}/${query}`),
    dkim: null,
    connections: 1,
    log: pino({ level: 'silent' }),
    timeouts: { connectMs: 400, greetingMs: 400, silenceMs: 400 },
    tls: { ca: CERTIFICATE.cert },
  });
  onTestFinished(() => transport.close());
  return transport;
}

const signal = new AbortController().signal;

describe.each(VERBS)('at %s', (verb) => {
  const kinds = EXPECTED[verb].trim().split(/\s+/);
  it.each(REPLIES.map((reply, index) => [reply, KINDS[kinds[index]]] as const))(
    '%j means %s, of one message at most once given to the server',
    async (reply, kind) => {
      server.script = { [verb]: reply as Reply };
      server.messages.length = 0;
      let begun = 0;
      const onData = async () => {
        begun += 1;
      };
      const outcome = await open().send(await sampleMail(), { onData, signal });
      server.script = {};
      expect(outcome.kind).toBe(kind);
      const given = verb === 'end' ? 1 : 0;
      expect({ begun, messages: server.messages.length }).toEqual({
        begun: given,
        messages: given,
      });
      if (reply !== 'garbage' && !['cut', 'silence'].includes(reply)) {
        expect(outcome.reply).toContain(reply);
        expect(outcome.stage).toBe(verb === 'connect' ? 'connect' : outcome.stage);
      }
      const isAboutServer = VERBS.indexOf(verb) < VERBS.indexOf('mail') || reply.startsWith('421');
      if (isAboutServer) expect(outcome.concerns).toBe('server');
      else if (/^[45]/.test(reply)) {
        expect(outcome.concerns).toBe(verb === 'rcpt' ? 'recipient' : 'message');
        expect(outcome.stage).toBe(verb);
      }
      expect(outcome.tooLarge).toBe(
        reply.startsWith('552') && ['mail', 'data', 'end'].includes(verb),
      );
    },
  );
});

describe('a conversation', () => {
  it('without STARTTLS gives away no password and no mail, unless the URL says so', async () => {
    const plain = await startScriptedServer({ starttls: false });
    onTestFinished(() => plain.close());
    const send = async (query: string) => {
      const transport = openSmtpTransport({
        settings: parseSmtpUrl(`smtp://user:word@localhost:${plain.port}/${query}`),
        ...{ dkim: null, connections: 1, log: pino({ level: 'silent' }) },
      });
      onTestFinished(() => transport.close());
      return transport.send(await sampleMail(), { onData: async () => {}, signal });
    };
    const refused = await send('');
    expect(refused).toMatchObject({ kind: 'temporary', stage: 'starttls', concerns: 'server' });
    expect(plain.lines.filter((line) => /^(?:AUTH|MAIL|RCPT|DATA)/.test(line))).toEqual([]);
    expect(await send('?starttls=if-offered')).toMatchObject({ kind: 'sent' });
  });

  it('with a server whose certificate does not hold ends before the password', async () => {
    server.lines.length = 0;
    const transport = openSmtpTransport({
      settings: parseSmtpUrl(`smtp://user:word@localhost:${server.port}`),
      ...{ dkim: null, connections: 1, log: pino({ level: 'silent' }) },
    });
    onTestFinished(() => transport.close());
    const outcome = await transport.send(await sampleMail(), { onData: async () => {}, signal });
    expect(outcome).toMatchObject({ kind: 'temporary', concerns: 'server' });
    expect(server.lines.filter((line) => /^(?:AUTH|MAIL)/.test(line))).toEqual([]);
  });

  it('is broken off before the first byte when it cannot be recorded that it begins', async () => {
    server.messages.length = 0;
    const lost = new Error('the lease is lost');
    const sending = open().send(await sampleMail(), {
      onData: () => Promise.reject(lost),
      signal,
    });
    await expect(sending).rejects.toBe(lost);
    expect(server.messages).toEqual([]);
  });

  it('on a connection that the server dropped meanwhile starts again on a new one, once', async () => {
    server.messages.length = 0;
    const transport = open();
    const first = await sampleMail();
    const onData = async () => {};
    expect(await transport.send(first, { onData, signal })).toMatchObject({ kind: 'sent' });
    server.script = { mail: 'cut' };
    const second = transport.send(await sampleMail({ to: 'bob@example.com' }), {
      onData: async () => {},
      signal,
    });
    const before = server.lines.length;
    while (!server.lines.slice(before).some((line) => line.startsWith('MAIL'))) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    server.script = {};
    expect(await second).toMatchObject({ kind: 'sent' });
    expect(server.messages).toHaveLength(2);
  });
});
