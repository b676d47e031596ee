import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { json } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openReceiver, type Receiver } from './support/receiver.ts';
import { callRows, ndjson, type Signed, sign } from './support/sender.ts';

/** Every body here is signed well; over a real socket, since half of the tricks are of HTTP. */

let to: Receiver;
let port: number;
beforeAll(async () => {
  to = await openReceiver();
  await to.api.server.listen({ host: '127.0.0.1', port: 0 });
  port = (to.api.server.server.address() as AddressInfo).port;
});
afterAll(() => to.api.close());

interface Answered {
  readonly status: number;
  readonly code?: string;
  readonly batch?: string;
}

async function send(
  signed: Signed,
  way: { chunked?: number; path?: string } = {},
): Promise<Answered> {
  const { payload } = signed;
  const length = way.chunked === undefined ? { 'content-length': String(payload.length) } : {};
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port, method: 'POST', path: way.path ?? '/v1/ingest/calls' },
        ...{ headers: { ...signed.headers, ...length }, agent: false },
      },
      async (answer) => {
        const body = (await json(answer)) as object;
        resolve({ ...body, status: answer.statusCode as number });
      },
    );
    outgoing.on('error', reject);
    if (way.chunked === undefined) return void outgoing.end(payload);
    for (let at = 0; at < payload.length; at += way.chunked) {
      outgoing.write(payload.subarray(at, at + way.chunked));
    }
    outgoing.end();
  });
}

const [row] = callRows(0, 1);
const text = JSON.stringify(row);
const withField = (field: string, value = '1') => text.replace(/}$/, `,"${field}":${value}}`);
const changed = (name: string, json: string) =>
  text.replace(new RegExp(`"${name}":("[^"]*"|[^,}]*)`), `"${name}":${json}`);
const json_ = 'application/json';

/** Body → what it must become: a refusal, or so many rows loaded and rejected. */
type Fate = 'refused' | { readonly loaded: number; readonly rejected: number };
const ONE = { loaded: 1, rejected: 0 };
const BAD = { loaded: 0, rejected: 1 };

const LINES: readonly [name: string, body: string | Buffer, fate: Fate][] = [
  ['a row', text, ONE],
  ['a row and empty lines', `\n\n${text}\n\r\n \n`, ONE],
  ['a byte order mark', `\ufeff${text}`, ONE],
  ['two byte order marks', `\ufeff\ufeff${text}`, BAD],
  ['UTF-16 with its mark', Buffer.from(`\ufeff${text}`, 'utf16le'), 'refused'],
  ['UTF-16 without', Buffer.from(text, 'utf16le'), BAD],
  ['Windows-1252', Buffer.from(changed('caller', '"Zo\xeb"'), 'latin1'), 'refused'],
  [
    'a cut character at the end',
    Buffer.concat([Buffer.from(text), Buffer.from([0xe2, 0x82])]),
    'refused',
  ],
  ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 'refused'],
  ['a surrogate as UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'refused'],
  ['gzip that says it is none', gzipSync(text), 'refused'],
  ['a zip', Buffer.from('PK\x03\x04aaaaaaaaaa'), BAD],
  ['nothing', '', 'refused'],
  ['blanks', ' \n\t\n', 'refused'],
  ['a NUL', '\0', 'refused'],
  ['a NUL in a row', text.replace('call-', 'call\0'), BAD],
  ['an escaped NUL', changed('external_id', '"a\\u0000b"'), BAD],
  ['half a pair', changed('external_id', '"\\ud800"'), BAD],
  ['the other half', changed('caller', '"x\\udc00y"'), BAD],
  ['a whole pair', changed('caller', '"\\ud83d\\ude00"'), ONE],
  ['a name twice', withField('external_id', '"x"'), BAD],
  ['a name twice, once escaped', withField('\\u0065xternal_id', '"x"'), BAD],
  ['a nested name twice', withField('x', '{"a":1,"a":2}'), BAD],
  ['__proto__', withField('__proto__', '{"external_id":"stolen"}'), ONE],
  ['__proto__ alone', '{"__proto__":{"external_id":"x","started_at":"2024-01-01T00:00:00Z"}}', BAD],
  ['constructor.prototype', withField('constructor', '{"prototype":{"x":1}}'), ONE],
  ['tenant_id', withField('tenant_id', '"00000000-0000-0000-0000-000000000000"'), ONE],
  ['toString as a name', withField('toString', '"x"'), ONE],
  ['an empty name', withField('', '"x"'), ONE],
  ['2^53 + 1', changed('talk_seconds', '9007199254740993'), BAD],
  ['1e400', changed('talk_seconds', '1e400'), BAD],
  ['a number of 5,000 digits', changed('talk_seconds', '9'.repeat(5000)), BAD],
  ['-0', changed('talk_seconds', '-0'), ONE],
  ['a negative duration', changed('talk_seconds', '-1'), BAD],
  ['NaN', changed('talk_seconds', 'NaN'), BAD],
  ['a number as text', changed('talk_seconds', '"60"'), ONE],
  ['hexadecimal', changed('talk_seconds', '"0x3c"'), BAD],
  ['a list for a text', changed('queue', '["a"]'), ONE],
  ['an object for an instant', changed('started_at', '{"$date":1}'), BAD],
  ['an instant without an offset', changed('started_at', '"2024-01-01T00:00:00"'), BAD],
  ['an instant in the year 9999', changed('started_at', '"9999-01-01T00:00:00Z"'), BAD],
  ['an instant as a number', changed('started_at', '1704067200000'), BAD],
  ['an unknown value', changed('disposition', '"ANSWERED!"'), BAD],
  ['a required null', changed('external_id', 'null'), BAD],
  ['a required empty text', changed('external_id', '""'), BAD],
  ['a key of 5,000 characters', changed('external_id', `"${'k'.repeat(5000)}"`), BAD],
  ['a formula', changed('caller', '"=cmd|\' /C calc\'!A0"'), ONE],
  ['a comment', `// x\n${text}`, { loaded: 1, rejected: 1 }],
  ['a comma at the end', text.replace(/}$/, ',}'), BAD],
  ['single quotes', "{'external_id':'x'}", BAD],
  ['a row that is cut off', text.slice(0, -5), BAD],
  ['two rows in a line', `${text}${text}`, BAD],
  ['an array in a line', `[${text}]`, BAD],
  ['a text in a line', '"row"', BAD],
  ['a number in a line', '42', BAD],
  ['null in a line', 'null', BAD],
  ['brackets that only close', '}}}}]]]]', BAD],
  ['33 levels', withField('x', `${'['.repeat(32)}${']'.repeat(32)}`), 'refused'],
  ['32 levels', withField('x', `${'['.repeat(31)}${']'.repeat(31)}`), ONE],
  ['brackets within a text', changed('caller', `"${'['.repeat(500)}"`), ONE],
  ['200,000 levels', '['.repeat(200_000), 'refused'],
  ['200,000 levels of objects', '{"a":'.repeat(200_000), 'refused'],
  ['200,000 levels behind a quote that stays open', `"\\${'['.repeat(200_000)}`, BAD],
  ['a row of more than a MiB', changed('caller', `"${'x'.repeat(2 ** 20)}"`), 'refused'],
  ['a row of nearly a MiB of backslashes', changed('caller', `"${'\\\\'.repeat(500_000)}"`), ONE],
  ['100,001 rows', '{}\n'.repeat(100_001), 'refused'],
  ['line separators of Unicode', changed('caller', '"a\u2028b\u2029c\u0085d"'), ONE],
  ['a vertical tab between names', text.replace(',', ',\v'), BAD],
  ['a carriage return alone', `${text}\r${text}`, BAD],
];

const ARRAYS: readonly [name: string, body: string, fate: Fate][] = [
  ['an array', `[${text}]`, ONE],
  ['an object', text, ONE],
  ['an empty array', '[]', 'refused'],
  ['an array of an array', `[[${text}]]`, BAD],
  ['an array of null', '[null]', BAD],
  ['a comma before', `[,${text}]`, 'refused'],
  ['a comma behind', `[${text},]`, 'refused'],
  ['two commas', `[${text},,${text}]`, 'refused'],
  ['an array and more', `[${text}]${text}`, 'refused'],
  ['two arrays', `[${text}][${text}]`, 'refused'],
  ['an array that is not closed', `[${text}`, 'refused'],
  ['an array that is closed twice', `[${text}]]`, 'refused'],
  ['an array that opens with a bracket too many', `[[${text}]`, 'refused'],
  ['lines as JSON', `${text}\n${text}`, 'refused'],
  ['a text', '"x"', 'refused'],
  ['a number', '1', 'refused'],
  ['a byte order mark', `\ufeff[${text}]`, ONE],
  ['a line break within a text', `[${changed('caller', '"a\nb"')}]`, 'refused'],
  ['line breaks between everything', JSON.stringify([row], null, 2).replaceAll('\n', '\r\n'), ONE],
  ['a closing brace too many', `[${text}}]`, 'refused'],
  [
    'a row that is no JSON among good ones',
    `[${text},{"a":oops},${text}]`,
    { loaded: 1, rejected: 1 },
  ],
  ['200,000 levels', '['.repeat(200_000), 'refused'],
  ['200,000 levels that are closed', `${'['.repeat(200_000)}${']'.repeat(200_000)}`, 'refused'],
  ['a million empty objects', `[${'{},'.repeat(999_999)}{}]`, 'refused'],
];

describe('a well-signed body', () => {
  it('becomes what its rows say or is refused with a 4xx, 93 of them', async () => {
    const wrong: string[] = [];
    const all = [
      ...LINES.map((each) => [...each, {}] as const),
      ...ARRAYS.map((each) => [...each, { type: json_ }] as const),
    ];
    expect(all.length).toBeGreaterThanOrEqual(93);
    const waiting: { name: string; batch: string; fate: Fate }[] = [];
    for (const [name, body, fate, sending] of all) {
      const answer = await send(sign(to.key, body, sending));
      if (answer.batch) waiting.push({ name, batch: answer.batch, fate });
      const isAsTold =
        fate === 'refused' ? answer.status >= 400 && answer.status < 500 : answer.status === 202;
      if (!isAsTold) wrong.push(`${name}: ${JSON.stringify(answer)}`);
    }
    await to.loadAll();
    for (const { name, batch, fate } of waiting) {
      const { state, result } = (await to.batch(batch)) as {
        state: string;
        result: Record<string, number> | null;
      };
      if (fate === 'refused') continue;
      if (result === null) {
        // Those behind it wait for it.
        wrong.push(`${name}: ${JSON.stringify((await to.batch(batch)).error)}`);
        break;
      }
      const loaded = result.loaded + result.updated + result.unchanged;
      if (state !== 'loaded' || loaded !== fate.loaded || result.rejected !== fate.rejected) {
        wrong.push(`${name}: ${state} ${JSON.stringify(result)}`);
      }
    }
    expect(wrong).toEqual([]);
    // Whatever a row said of itself, it came to the tenant of its key.
    const { b, db } = to.api;
    const [{ n }] = await db.database.asTenant(b.id, (tx) =>
      tx.query('select count(*)::int as n from daybook.calls'),
    );
    expect(n).toBe(0);
  });

  it('is refused as 415 for other types and codings, in whatever spelling', async () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'application/jsonx',
      'application/json, text/html',
      'application/json\ta',
      'application/json; charset=utf-16',
      'application/json;charset',
      'json',
      'application/vnd.api+json',
      'application/json;boundary=x',
    ]) {
      expect((await send(sign(to.key, `[${text}]`, { type }))).status, type).toBe(415);
    }
    for (const coding of ['br', 'deflate', 'gzip, gzip', 'zstd', 'gzip;q=1', 'compress']) {
      const signed = sign(to.key, text, { gzip: true });
      signed.headers['content-encoding'] = coding;
      expect((await send(signed)).status, coding).toBe(415);
    }
    for (const type of [
      'APPLICATION/X-NDJSON',
      ' application/x-ndjson',
      'application/x-ndjson ; charset="UTF-8"',
      'application/jsonl\t;\tcharset=utf-8',
    ]) {
      expect((await send(sign(to.key, text, { type }))).status, type).toBe(202);
    }
  });

  it('may come in chunks of any size, also through the middle of a character', async () => {
    const body = ndjson(callRows(100, 3, { caller: 'Zoë €😀' }));
    for (const chunked of [1, 2, 3, 7, 1000]) {
      const { status, batch } = await send(sign(to.key, body), { chunked });
      expect(status).toBe(202);
      await to.loadAll();
      expect(await to.batch(batch as string)).toMatchObject({
        state: 'loaded',
        result: { rejected: 0 },
      });
    }
  });

  it('that is a gzip bomb, damaged or cut off is refused, and memory stays', async () => {
    const whole = gzipSync(text);
    const member = gzipSync(Buffer.alloc(100_000, 0x0a));
    const bodies = {
      'zeros, 100 MB': gzipSync(Buffer.alloc(100_000_000), { level: 1 }),
      'empty lines, 100 MB': gzipSync(Buffer.alloc(100_000_000, 0x0a), { level: 1 }),
      'long rows, 70 MB': gzipSync(`${' '.repeat(900_000)}${text}\n`.repeat(78), { level: 1 }),
      'cut off': whole.subarray(0, -9),
      'its sum is wrong': Buffer.concat([whole.subarray(0, -8), Buffer.alloc(8)]),
      'its header alone': whole.subarray(0, 10),
      'no gzip': Buffer.from(text),
      'a bomb of members': Buffer.concat(Array.from({ length: 1000 }, () => member)),
    };
    const before = process.memoryUsage.rss();
    for (const [name, payload] of Object.entries(bodies)) {
      const signed = sign(to.key, payload);
      signed.headers['content-encoding'] = 'gzip';
      const { status } = await send(signed);
      expect(status >= 400 && status < 500, `${name}: ${status}`).toBe(true);
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(120 * 2 ** 20);
  });

  it('above 8 MiB as sent is 413, announced or not', async () => {
    const body = Buffer.alloc(8 * 2 ** 20 + 1, 0x20);
    expect((await send(sign(to.key, body)).catch(() => ({ status: 413 }))).status).toBe(413);
    const chunked = send(sign(to.key, body), { chunked: 1 << 20 }).catch(() => ({ status: 413 }));
    expect((await chunked).status).toBe(413);
  });

  it('may be gzip of a JSON array in chunks', async () => {
    const signed = sign(to.key, `[${text}]`, { gzip: true, type: json_ });
    expect((await send(signed, { chunked: 5 })).status).toBe(202);
  });

  it('is taken at once while 500 others trickle in, for rows of mirrors too', async () => {
    const { authorization } = to.api.asA;
    const started = performance.now();
    const sockets = Array.from({ length: 500 }, (_, i) => {
      const { headers } = sign(to.key, text);
      const lines = { ...headers, host: 'x', 'content-length': '1000000', authorization };
      const path = i % 2 === 0 ? 'calls' : `calls/mirror/${randomUUID()}/rows?part=0`;
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}`);
      socket.write(`POST /v1/ingest/${path} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n{`);
      return socket;
    });
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const took: number[] = [];
    for (let i = 0; i < 20; i++) {
      const since = performance.now();
      expect((await send(sign(to.key, text))).status).toBe(202);
      took.push(performance.now() - since);
      for (const socket of sockets) socket.write(' ');
    }
    for (const socket of sockets) socket.destroy();
    expect(took.sort((a, b) => a - b)[18]).toBeLessThan(300);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
