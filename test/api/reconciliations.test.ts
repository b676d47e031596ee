import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveReconciliation } from '../../src/scheduler/reconcile/save-reconciliation.ts';
import { addCharges, MARCH, run } from '../scheduler/reconcile/support.ts';
import { createServerAs } from './sales/support.ts';

let api: Awaited<ReturnType<typeof createServerAs>>;
beforeAll(async () => {
  api = await createServerAs();
  await addCharges(api.db.database, api.tenant, [
    ['a1', '2026-03-01T10:00:00Z', '+441', '+491', 60, '0.10'],
    ['a2', '2026-03-02T10:00:00Z', '+442', '+492', 60, '0.20'],
    ['a3', '2026-03-03T10:00:00Z', '+443', '+493', 60, '0.30'],
  ]);
});
afterAll(() => api.close());

async function reconciled(): Promise<string> {
  const file = [
    'external_id,started_at,caller,callee,billed_seconds,amount,currency',
    'a1,2026-03-01T10:00:00Z,441,491,60,0.10,EUR',
    'a2,2026-03-02T10:00:00Z,442,492,66,0.22,EUR',
    'a9,2026-03-09T10:00:00Z,449,499,60,0.90,EUR',
  ].join('\n');
  const ran = await run(api.db.database, api.tenant, file);
  return saveReconciliation(
    api.db.database,
    ran,
    {
      ...{ tenantId: api.tenant.id, period: MARCH, carrier: 'carrier.csv', carrierSha256: 'ab' },
      ...{ request: { tolerance_seconds: 5 }, requestedBy: 'test' },
    },
    new AbortController().signal,
  );
}

const isLocked = () =>
  addCharges(api.db.database, api.tenant, [
    [`late-${Math.random()}`, '2026-03-15T10:00:00Z', '+441', '+491', 1, '0.01'],
  ]).then(
    () => false,
    (error: { code: string }) => error.code === 'E_LOCKED',
  );

describe('a reconciliation', () => {
  it('is kept with its sums, and a line for each row that is not simply matched', async () => {
    const id = await reconciled();
    const { body } = await api.get(`/v1/reconciliations/${id}`);
    expect(body).toMatchObject({
      ...{ status: 'open', period: MARCH, currency: 'EUR', disputed: 0 },
      ours: { rows: 3, total: '0.6' },
      theirs: { rows: 3, total: '1.22' },
    });
    const sums = Object.values(body.classes as Record<string, { explains: string }>);
    expect(sums.reduce((sum, { explains }) => sum + Number(explains), 0)).toBeCloseTo(0.62, 10);
    const { items } = (await api.get(`/v1/reconciliations/${id}/lines`)).body;
    expect(
      items.map((line: { class: string; explains: string }) => [line.class, line.explains]),
    ).toEqual([
      ...[
        ['only_ours', '-0.3'],
        ['only_theirs', '0.9'],
        ['duration', '0.02'],
      ],
    ]);
    expect(items[2]).toMatchObject({
      ours: { id: 'a2', started_at: '2026-03-02T10:00:00.000Z', billed_seconds: 60, amount: '0.2' },
      theirs: { id: 'a2', billed_seconds: 66, amount: '0.22' },
      their_row: 2,
    });
    const page = (await api.get(`/v1/reconciliations/${id}/lines?limit=2`)).body;
    expect([page.items.length, page.next_after]).toEqual([2, 2]);
    const rest = (await api.get(`/v1/reconciliations/${id}/lines?after=2&class=duration`)).body;
    expect(rest.items.map((line: { line: number }) => line.line)).toEqual([3]);
  });

  it('is listed newest first, page by page', async () => {
    const ids = [await reconciled(), await reconciled()];
    const first = (await api.get('/v1/reconciliations?limit=1')).body;
    const second = (await api.get(`/v1/reconciliations?limit=1&cursor=${first.next_cursor}`)).body;
    expect([first.items[0].id, second.items[0].id]).toEqual(ids.reverse());
  });

  it('is disputed, settled and signed off, which locks its period; and unlocked again', async () => {
    const id = await reconciled();
    const line = (status: string, note?: string) =>
      api.post(`/v1/reconciliations/${id}/lines/3`, { status, note }, 'analyst');
    const signOff = () => api.post(`/v1/reconciliations/${id}/sign-off`, { note: 'done' });
    expect((await line('disputed', 'they billed 6 s more')).status).toBe(204);
    expect((await signOff()).body.detail).toContain('1 of its lines are disputed');
    expect((await line('accepted')).status).toBe(204);
    expect(await isLocked()).toBe(false);

    const signed = await signOff();
    expect(signed.body).toMatchObject({ status: 'signed_off' });
    expect(signed.body.signed_off_by).toMatch(/^member:/);
    expect(await isLocked()).toBe(true);
    expect((await line('disputed')).status).toBe(409);
    expect((await signOff()).status).toBe(409);
    expect(
      (await api.post(`/v1/reconciliations/${id}/notes`, { note: 'late', line: 1 })).status,
    ).toBe(204);

    const opened = await api.post(`/v1/reconciliations/${id}/unlock`, {}, 'owner');
    expect(opened.body).toMatchObject({ status: 'open', signed_off_by: null });
    expect(await isLocked()).toBe(false);
    const notes = (await api.get(`/v1/reconciliations/${id}/notes`)).body.items;
    expect(notes.map((each: { kind: string }) => each.kind)).toEqual([
      ...['disputed', 'accepted', 'signed_off', 'note', 'unlocked'],
    ]);
  });

  it('is signed off and unlocked only by who may, and once by whoever are first', async () => {
    const id = await reconciled();
    const path = `/v1/reconciliations/${id}`;
    for (const role of ['analyst', 'viewer'] as const) {
      expect((await api.post(`${path}/sign-off`, {}, role)).status).toBe(403);
    }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.post(`${path}/sign-off`, {})),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)]);
    for (const role of ['admin', 'analyst', 'viewer'] as const) {
      expect((await api.post(`${path}/unlock`, {}, role)).status).toBe(403);
    }
    expect((await api.get(path, 'viewer')).status).toBe(403);
    expect((await api.post(`${path}/unlock`, {}, 'owner')).status).toBe(200);
    expect(await isLocked()).toBe(false);
  });
});
