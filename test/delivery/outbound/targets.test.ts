import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MOST_ANSWER_BYTES, PostFailure, post } from '../../../src/delivery/outbound/post.ts';
import { isPublicAddress } from '../../../src/delivery/outbound/public-address.ts';
import { resolveTarget } from '../../../src/delivery/outbound/target.ts';

/** A server inside; whatever reaches it from a rule that refuses is a hole. */
let canary: http.Server;
let port: number;
let hits = 0;
let answer: http.RequestListener;
beforeAll(async () => {
  canary = http.createServer((request, response) => {
    hits += 1;
    answer(request, response);
  });
  canary.listen(0, '127.0.0.1');
  await once(canary, 'listening');
  port = (canary.address() as AddressInfo).port;
});
afterAll(() => new Promise((resolve) => canary.close(resolve)));

const signal = new AbortController().signal;
const toNowhere = { where: 'webhook', headers: {}, signal, privateTargets: 'refuse' } as const;

/** Spellings of places inside, as URLs and as addresses that a name may have. */
const HOSTS = [
  ...['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1'],
  ...[
    '017700000001',
    '0x7f.0x0.0x0.0x1',
    '127.0.0.1.',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '%31%32%37.0.0.1',
  ],
  ...[
    '0',
    '0.0.0.0',
    '0x0',
    '00000',
    '10.0.0.1',
    '10.1',
    '167772161',
    '172.16.0.1',
    '172.31.255.255',
  ],
  ...['192.168.0.1', '192.168.1', '0xc0a80001', '169.254.169.254', '2852039166', '0xa9fea9fe'],
  ...['0251.0376.0251.0376', '169.254.43518', '100.64.0.1', '100.127.255.254', '192.0.0.1'],
  ...['192.0.2.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9', '224.0.0.1'],
  ...['239.255.255.250', '240.0.0.1', '255.255.255.255', '[::]', '[::1]', '[0:0:0:0:0:0:0:1]'],
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:169.254.169.254]', '[::ffff:a00:1]'],
  ...['[::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2001::1]'],
  ...['[fc00::1]', '[fd12:3456::1]', '[fe80::1]', '[fec0::1]', '[ff02::1]', '[2001:db8::1]'],
  ...['[100::1]', '[::ffff:0:127.0.0.1]', '[0:0:0:0:0:ffff:7f00:0001]', '[3fff::1]', '[5f00::1]'],
];

describe('a place inside', () => {
  it(`is refused in each of ${HOSTS.length} spellings, on saving and on sending alike`, async () => {
    hits = 0;
    expect(HOSTS.length).toBeGreaterThanOrEqual(60);
    for (const host of HOSTS) {
      for (const url of [`https://${host}/hook`, `https://${host}:8443/hook`]) {
        const saved = resolveTarget(url, 'webhook', { privateTargets: 'refuse' });
        await expect(saved, url).rejects.toMatchObject({ code: 'E_INVALID' });
        const sent = post(url, Buffer.from('{}'), toNowhere);
        await expect(sent, url).rejects.toMatchObject({ code: 'E_INVALID' });
      }
    }
    expect(hits).toBe(0);
  });

  it('is refused behind any name, also when one of several addresses is public', async () => {
    for (const host of HOSTS.filter((each) => !each.startsWith('['))) {
      if (!URL.canParse(`https://${host}`)) continue;
      const address = new URL(`https://${host}`).hostname;
      const resolve = async () => [
        { address: '93.184.215.14', family: 4 as const },
        { address, family: 4 as const },
      ];
      const sent = post('https://hook.example/x', Buffer.from('{}'), { ...toNowhere, resolve });
      await expect(sent, host).rejects.toMatchObject({ code: 'E_INVALID' });
    }
    const localhost = post('https://localhost/x', Buffer.from('{}'), toNowhere);
    await expect(localhost).rejects.toMatchObject({ code: 'E_INVALID' });
  });

  it.each([
    ...[25, 22, 80, 6379, 5432, 11_211].map((each) => `https://hook.example:${each}/`),
    ...[
      'http://hook.example/',
      'ftp://hook.example/',
      'file:///etc/passwd',
      'gopher://hook.example',
    ],
    ...[
      'https://user:word@hook.example/',
      'https:\\\\hook.example',
      'https://hook.example/\r\nX: y',
    ],
    ...[
      'https://hook.example/ x',
      'javascript:alert(1)',
      'hook.example',
      '',
      `https://a.b/${'x'.repeat(3_000)}`,
    ],
  ])('or a way that is none, %j, is refused before a name is looked up', async (url) => {
    const resolve = async () => {
      throw new Error('looked up');
    };
    const checked = resolveTarget(url, 'webhook', { privateTargets: 'refuse', resolve });
    await expect(checked).rejects.toMatchObject({ code: 'E_INVALID' });
  });

  it('is told from the open internet by its address', () => {
    for (const address of [
      '8.8.8.8',
      '1.1.1.1',
      '93.184.215.14',
      '2606:4700::1111',
      '2a00:1450::1',
    ]) {
      expect(isPublicAddress(address)).toBe(true);
    }
    for (const text of ['', 'localhost', '1.2.3', 'fe80::1%eth0', '2606:4700::1111%lo']) {
      expect(isPublicAddress(text)).toBe(false);
    }
  });

  it('is not named in more than its host: the rest of a URL may be a secret', async () => {
    const checked = resolveTarget('https://127.0.0.1/services/T0/hunter2', 'slack', {
      privateTargets: 'refuse',
    });
    await expect(checked).rejects.toThrow(/^slack: got 127\.0\.0\.1; expected/);
  });
});

describe('a request', () => {
  const options = { ...toNowhere, privateTargets: 'allow' as const };

  it('goes to the address that was checked, whatever the name has a moment later', async () => {
    hits = 0;
    let asked = 0;
    // Public when it is checked, inside when it is asked again.
    const resolve = async () => {
      asked += 1;
      return [{ address: asked === 1 ? '203.0.113.1' : '127.0.0.1', family: 4 as const }];
    };
    const sent = post(`http://rebinding.example:${port}/`, Buffer.from('{}'), {
      ...options,
      resolve,
      timeoutMs: 300,
    });
    await expect(sent).rejects.toBeInstanceOf(PostFailure);
    expect({ asked, hits }).toEqual({ asked: 1, hits: 0 });
  });

  it('does not follow a redirect', async () => {
    hits = 0;
    answer = (_, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${port}/inside` }).end();
    const { status } = await post(`http://127.0.0.1:${port}/`, Buffer.from('{}'), options);
    expect({ status, hits }).toEqual({ status: 302, hits: 1 });
  });

  it('reads so much of an answer and no more', async () => {
    answer = (_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(65_536, 'x')));
      };
      response.on('drain', more);
      more();
    };
    const { body } = await post(`http://127.0.0.1:${port}/`, Buffer.from('{}'), options);
    expect(body).toHaveLength(MOST_ANSWER_BYTES);
  });

  it('that has no answer in time says that it may have arrived; one that met nobody says not', async () => {
    answer = () => {};
    const late = post(`http://127.0.0.1:${port}/`, Buffer.from('{}'), {
      ...options,
      timeoutMs: 200,
    });
    await expect(late).rejects.toMatchObject({ wasSent: true, code: 'ETIMEDOUT' });
    const nobody = post('http://127.0.0.1:1/', Buffer.from('{}'), options);
    await expect(nobody).rejects.toMatchObject({ wasSent: false, code: 'ECONNREFUSED' });
  });
});
