import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openReceiver, type Receiver } from './support/receiver.ts';
import { callRows, ndjson, sign } from './support/sender.ts';

let to: Receiver;
beforeAll(async () => {
  to = await openReceiver();
});
afterAll(() => to.api.close());

describe('a signed batch', () => {
  it('is answered 202 before it is loaded, and loaded by the next pass', async () => {
    const answer = await to.post(sign(to.key, ndjson(callRows(0, 100))));
    expect(answer).toEqual({
      status: 202,
      body: { batch: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    const id = answer.body.batch;
    expect(await to.batch(id)).toMatchObject({ state: 'queued', rows: 100, result: null });
    expect((await to.rowsOf('calls')).count).toBe(0);
    await to.loadAll();
    expect(await to.batch(id)).toMatchObject({
      state: 'loaded',
      result: { loaded: 100, updated: 0, unchanged: 0, rejected: 0, days: 1, first_reject: null },
    });
    expect((await to.rowsOf('calls')).count).toBe(100);
  });

  it('means the same as NDJSON, as a JSON array, pretty-printed or not, and in gzip', async () => {
    const rows = callRows(1000, 50, { caller: 'Zoë "the\\ kid" [x], {y}\n\u2028' });
    const bodies = [
      sign(to.key, ndjson(rows)),
      sign(to.key, ndjson(rows).replaceAll('\n', '\r\n').trimEnd(), { gzip: true }),
      sign(to.key, JSON.stringify(rows), { type: 'application/json' }),
      sign(to.key, `\ufeff ${JSON.stringify(rows, null, 2)}\n`, {
        type: 'Application/JSON;charset=UTF-8',
        gzip: true,
      }),
    ];
    for (const [index, body] of bodies.entries()) {
      const { status, body: answer } = await to.post(body);
      expect(status).toBe(202);
      await to.loadAll();
      const counts = index === 0 ? { loaded: 50 } : { loaded: 0, unchanged: 50, updated: 0 };
      expect(await to.batch(answer.batch)).toMatchObject({ state: 'loaded', result: counts });
    }
  });

  it('of one object as JSON is one row', async () => {
    const [row] = callRows(2000, 1);
    const sent = sign(to.key, JSON.stringify(row), { type: 'application/json' });
    const { body } = await to.post(sent);
    await to.loadAll();
    expect(await to.batch(body.batch)).toMatchObject({ result: { loaded: 1, rejected: 0 } });
  });

  it('keeps its bad rows as rejects and loads the others', async () => {
    const rows = [...callRows(3000, 2), { external_id: 'bad' }, ...callRows(3002, 1)];
    const { body } = await to.post(sign(to.key, `${ndjson(rows)}{"not": json\n`));
    await to.loadAll();
    expect(await to.batch(body.batch)).toMatchObject({
      rows: 5,
      result: { loaded: 3, rejected: 2, first_reject: expect.stringMatching(/^row 3: started_at/) },
    });
  });

  it('with the same id and body is the same batch, 8 at once too; with another body it is 409', async () => {
    const id = randomUUID();
    const body = ndjson(callRows(4000, 20));
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => to.post(sign(to.key, body, { id }))),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0].status).toBe(202);
    await to.loadAll();
    expect(await to.post(sign(to.key, body, { id }))).toEqual(answers[0]);
    expect((await to.post(sign(to.key, `${body} `, { id }))).status).toBe(409);
    const otherKey = await to.createKey({ name: 'next', source: 'switch' });
    expect(await to.post(sign(otherKey, body, { id }))).toEqual(answers[0]);
    expect((await to.post(sign(otherKey, body, { id }), 'order_lines')).status).toBe(409);
    const otherSource = await to.createKey({ name: 'another' });
    expect((await to.post(sign(otherSource, body, { id }))).body.batch).not.toBe(
      answers[0].body.batch,
    );
    await to.loadAll();
  });

  it('is loaded after those that came before it, so that the last one wins', async () => {
    for (let i = 0; i < 20; i++) {
      await to.post(sign(to.key, ndjson(callRows(5000, 3, { agent: `agent-${i}` }))));
    }
    await to.loadAll();
    const agents = await to.api.db.database.asTenant(to.api.a.id, (tx) =>
      tx.query(`select distinct agent from daybook.calls where external_id between
        'call-00005000' and 'call-00005002'`),
    );
    expect(agents).toEqual([{ agent: 'agent-19' }]);
  });
});
