import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MARCH, startApi, type TestApi } from './support.ts';

let api: TestApi;
let base: string;
beforeAll(async () => {
  api = await startApi();
  await api.server.listen({ host: '127.0.0.1', port: 0 });
  base = `http://127.0.0.1:${(api.server.server.address() as AddressInfo).port}`;
});
afterAll(() => api.close());

async function queued(): Promise<string> {
  const answer = await api.server.inject({
    method: 'POST',
    url: '/v1/exports',
    headers: api.asA,
    payload: MARCH,
  });
  return answer.json().id;
}

async function* eventsOf(answer: Response) {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      if (fields.event) yield { event: fields.event, id: fields.id, data: JSON.parse(fields.data) };
    }
  }
}

const listen = (id: string, headers: Record<string, string> = {}) =>
  fetch(`${base}/v1/exports/${id}/events`, { headers: { ...api.asA, ...headers } });

describe('the stream of a run', () => {
  it('tells the state, each change, and ends with the finished export', async () => {
    const id = await queued();
    const answer = await listen(id, { 'last-event-id': 'whatever; 9\u00e9' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const events = eventsOf(answer);
    const next = async () => (await events.next()).value;
    expect(await next()).toMatchObject({
      event: 'progress',
      data: { status: 'queued', days: { total: 31, done: 0, cached: 0 }, rows_read: 0 },
    });
    api.runner.tell(id, 'running', 3);
    expect(await next()).toMatchObject({
      data: { status: 'running', days: { done: 3 }, rows_read: 30 },
    });
    await api.runner.finish(api.a.id, id);
    const rest = [];
    for await (const event of events) rest.push(event);
    expect(rest.at(-1)).toMatchObject({
      event: 'end',
      data: { id, status: 'done', file: { rows: 1 } },
    });
    expect(rest.slice(0, -1).every(({ event }) => event === 'progress')).toBe(true);
  });

  it('of a run that ended long ago ends at once', async () => {
    const id = await queued();
    await api.runner.finish(api.a.id, id);
    const seen = [];
    for await (const { event } of eventsOf(await listen(id))) seen.push(event);
    expect(seen).toEqual(['progress', 'end']);
  });

  it('sees an end of which no hint came', async () => {
    const id = await queued();
    const events = eventsOf(await listen(id));
    await events.next();
    await api.server.inject({ method: 'DELETE', url: `/v1/exports/${id}`, headers: api.asA });
    const seen = [];
    for await (const { data } of events) seen.push(data.status);
    expect(seen.at(-1)).toBe('cancelled');
  });

  it('is closed, with its subscription, when the client leaves', async () => {
    const id = await queued();
    const leave = new AbortController();
    const answer = await fetch(`${base}/v1/exports/${id}/events`, {
      headers: api.asA,
      signal: leave.signal,
    });
    await eventsOf(answer).next();
    expect(api.runner.events.listenerCount(id)).toBe(1);
    leave.abort();
    await expect.poll(() => api.runner.events.listenerCount(id)).toBe(0);
  });

  it('does not keep a closing server open', async () => {
    const other = await startApi();
    await other.server.listen({ host: '127.0.0.1', port: 0 });
    const { port } = other.server.server.address() as AddressInfo;
    const created = await other.server.inject({
      method: 'POST',
      url: '/v1/exports',
      headers: other.asA,
      payload: MARCH,
    });
    const answer = await fetch(`http://127.0.0.1:${port}${created.json().links.events}`, {
      headers: other.asA,
    });
    const events = eventsOf(answer);
    await events.next();
    await other.close();
    expect((await events.next()).done).toBe(true);
  });

  it('and a wait for a run end early when the server closes', async () => {
    const other = await startApi();
    await other.server.listen({ host: '127.0.0.1', port: 0 });
    const { port } = other.server.server.address() as AddressInfo;
    const woken = once(other.runner.events, 'wake');
    const waiting = fetch(`http://127.0.0.1:${port}/v1/exports`, {
      method: 'POST',
      headers: { ...other.asA, prefer: 'wait=60', 'content-type': 'application/json' },
      body: JSON.stringify(MARCH),
    });
    await woken;
    await other.server.close();
    const answer = await waiting;
    expect([answer.status, ((await answer.json()) as { status: string }).status]).toEqual([
      202,
      'queued',
    ]);
    await other.close();
  });

  it("is a problem document for another tenant's run", async () => {
    const answer = await listen(await queued(), api.asB);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      404,
      'E_NOT_FOUND',
    ]);
  });
});
