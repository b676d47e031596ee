import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatText } from '../../src/delivery/webhook/chat-lines.ts';
import { discordBody } from '../../src/delivery/webhook/discord.ts';
import type { HookMessage } from '../../src/delivery/webhook/hook-message.ts';
import { answerOutcome } from '../../src/delivery/webhook/hook-outcome.ts';
import { sendHook } from '../../src/delivery/webhook/send-hook.ts';
import { slackBody } from '../../src/delivery/webhook/slack.ts';
import { SEALED_SHA256, sampleDocument } from './mail/support/mails.ts';

const NOW = Date.UTC(2026, 9, 26, 8);
const KEYS = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

function messageWith(evil = ''): HookMessage {
  return {
    type: 'report.ready',
    id: 'msg_1',
    at: NOW,
    tenant: `North${evil}`,
    schedule: `Daily${evil}`,
    notice: null,
    reports: [
      {
        document: sampleDocument('en', { title: `Calls${evil}` }),
        sha256: SEALED_SHA256,
        marks: [],
        file: {
          ...{ way: 'link', name: 'calls.xlsx', bytes: 5_000, until: NOW + 86_400_000 },
          url: 'https://reports.acme.example/d/abc',
        },
      },
    ],
  };
}

let server: http.Server;
let url: string;
const got: { headers: http.IncomingHttpHeaders; body: string }[] = [];
let reply: { status: number; headers?: http.OutgoingHttpHeaders; body?: string };
beforeAll(async () => {
  server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    got.push({ headers: request.headers, body });
    response.writeHead(reply.status, reply.headers).end(reply.body ?? '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const send = (kind: 'webhook' | 'discord' | 'slack', message = messageWith()) =>
  sendHook({
    ...{ kind, url, message, locale: 'en', keys: KEYS, now: NOW },
    settings: { privateTargets: 'allow' },
    signal: new AbortController().signal,
  });

describe('a generic webhook', () => {
  it('bears signatures over the bytes as sent, under the new key and the one before', async () => {
    got.length = 0;
    reply = { status: 204 };
    expect(await send('webhook')).toMatchObject({ kind: 'sent', code: '204' });
    const [{ headers, body }] = got;
    const signed = `msg_1.${NOW / 1000}.${body}`;
    const expected = KEYS.map(
      (key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
    );
    expect(headers).toMatchObject({
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(NOW / 1000),
      'webhook-signature': expected.join(' '),
      'content-type': 'application/json',
    });
    expect(JSON.parse(body)).toMatchObject({
      type: 'report.ready',
      timestamp: '2026-10-26T08:00:00.000Z',
      data: {
        reports: [
          {
            period: { from: '2026-10-24', to: '2026-10-25' },
            zones: ['Europe/London'],
            irregular_days: [{ date: '2026-10-25', hours: 25 }],
            totals: [{ calls: '1234567', amount: '-12345.5' }],
            file: { sha256: SEALED_SHA256, url: 'https://reports.acme.example/d/abc' },
          },
        ],
      },
    });
  });
});

describe('an answer', () => {
  it.each([
    ['sent', [200, 202, 204]],
    ['permanent', [301, 302, 307, 400, 401, 403, 404, 410, 413, 422]],
    ['temporary', [408, 425, 429, 500, 502, 503, 504]],
  ] as const)('means %s where its status is one of %j', async (kind, statuses) => {
    for (const status of statuses) {
      reply = { status, headers: { location: url } };
      expect(await send('slack')).toMatchObject({ kind, code: String(status) });
    }
  });

  it.each([
    [{ 'retry-after': '7' }, '', 7_000],
    [{ 'retry-after': new Date(NOW + 90_000).toUTCString() }, '', 90_000],
    [{}, '{"message":"You are being rate limited.","retry_after":1.337,"global":false}', 1_337],
    [{ 'retry-after': '1' }, '{"retry_after": 2.5}', 2_500],
    [{ 'retry-after': '999999999' }, '', 86_400_000],
    [{ 'retry-after': '-5' }, '', null],
    [{ 'retry-after': 'soon' }, '', null],
    [{}, '', null],
  ])('of 429 with %j and %j asks to wait %s ms', (headers, body, waitMs) => {
    expect(answerOutcome({ status: 429, headers, body }, NOW).retryAfterMs).toBe(waitMs);
  });
});

const EVIL = [
  ...[
    '@everyone',
    '<!channel>',
    '<@U123>',
    '<https://evil.example|Click>',
    '[x](https://evil.example)',
  ],
  ...['`', '**b**', '\n@here', '&lt;!here&gt;', '||spoiler||', '\u2028@everyone', '<#C1>'],
];

describe('a chat message', () => {
  it.each(EVIL)('with %j in its data pings nobody and links nowhere else', (evil) => {
    const text = chatText(messageWith(evil), 'en');
    const discord = JSON.parse(discordBody(text).toString());
    expect(discord.allowed_mentions).toEqual({ parse: [] });
    expect(JSON.stringify(discord)).not.toMatch(/@(?:everyone|here)/);
    expect(discord.content).not.toMatch(/(?<!\\)\[[^\]]*(?<!\\)\]\(/);
    const links = [...discord.embeds[0].description.matchAll(/(?<!\\)\]\((?<url>[^)]*)\)/g)];
    expect(links.map(({ groups }) => groups?.url)).toEqual(['https://reports.acme.example/d/abc']);

    const slack = JSON.parse(slackBody(text).toString());
    expect(slack.text).not.toMatch(/[<>]/);
    for (const { text: block } of slack.blocks) {
      if (block.type === 'plain_text') continue;
      expect(block.text.match(/<[^>]*>/g)).toEqual([
        expect.stringMatching(/^<https:\/\/reports\.acme\.example\/d\/abc\|/),
      ]);
    }
  });

  it('of thousands of characters is cut to the limits, and keeps its link', () => {
    const lines = Array.from({ length: 200 }, (_, index) => `Figure ${index}: ${'9'.repeat(60)}`);
    const link = { text: 'calls.xlsx', url: 'https://reports.acme.example/d/abc' };
    const block = { heading: 'H'.repeat(1_000), lines, link };
    const text = { title: 'T'.repeat(6_000), blocks: Array.from({ length: 12 }, () => block) };
    const discord = JSON.parse(discordBody(text).toString());
    const embeds = discord.embeds as { title: string; description: string }[];
    const total = embeds.reduce(
      (sum, each) => sum + each.title.length + each.description.length,
      0,
    );
    expect(total).toBeLessThanOrEqual(6_000);
    expect(discord.content.length).toBeLessThanOrEqual(2_000);
    for (const { description } of embeds) expect(description).toContain(link.url);
    const slack = JSON.parse(slackBody(text).toString());
    expect(slack.blocks.length).toBeLessThanOrEqual(50);
    for (const { text: each } of slack.blocks) expect(each.text.length).toBeLessThanOrEqual(3_000);
  });
});
