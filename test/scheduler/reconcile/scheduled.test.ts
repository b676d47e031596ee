import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MailTransport } from '../../../src/delivery/mail/mail-transport.ts';
import { createSendStage } from '../../../src/scheduler/send/send.ts';
import { planStage } from '../../../src/scheduler/stages/plan.ts';
import { processStage } from '../../../src/scheduler/stages/process.ts';
import { createApiKey } from '../../../src/store/api-keys.ts';
import { requireReconciliation } from '../../../src/store/reconciliations.ts';
import { addSchedule } from '../../../src/store/save-schedule.ts';
import { requireTenant } from '../../../src/store/tenants.ts';
import { load } from '../../ingest/support/load.ts';
import { sheetRows } from '../../render/support/read-xlsx.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../../support/database.ts';
import { freshHome } from '../../support/embedded.ts';
import { startEngine, type TestEngine } from '../../support/engine.ts';
import { sendDeps } from '../send/support/stage.ts';
import { occurrencesOf, scheduleAt, utc } from '../stages/support.ts';
import { addCharges } from './support.ts';

let test: TestDatabase;
let home: string;
let engine: TestEngine;
let acme: TestTenant;
beforeAll(async () => {
  test = await freshDatabase();
  home = freshHome();
  engine = startEngine({ database: test.database, home });
  acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  await addCharges(
    test.database,
    acme,
    [
      ['a1', '2026-03-01T10:00:00Z', '+441', '+491', 60, '0.10'],
      ['a2', '2026-03-02T10:00:00Z', '+442', '+492', 60, '0.20'],
    ],
    { trunk: 'north' },
  );
  await addCharges(test.database, acme, [['s1', '2026-03-01T10:00:00Z', '+1', '+2', 60, '9']], {
    trunk: 'south',
  });
});
afterAll(async () => {
  await engine.stop();
  await test.drop();
});

const HEADER = 'external_id,started_at,caller,callee,billed_seconds,amount,currency,trunk';
const ROWS = [
  'a1,2026-03-01T10:00:00Z,441,491,60,0.10,EUR,north',
  // Billed twice, and once more without its id; each counts.
  'a2,2026-03-02T10:00:00Z,442,492,60,0.20,EUR,north',
  'a2,2026-03-02T10:00:00Z,442,492,60,0.20,EUR,north',
  ',2026-03-02T10:00:00Z,442,492,60,0.20,EUR,north',
  ',2026-03-02T10:00:00Z,442,492,60,0.20,EUR,north',
];
const MONTHLY = {
  ...{ report: 'reconciliation', format: 'xlsx', period: 'previous-month', every: 'month' },
  ...{ on: 3, where: ['trunk=north'], recipients: [{ email: 'ana@example.com' }] },
};
const signal = () => AbortSignal.timeout(30_000);
const loadRows = (rows: readonly string[], completeThrough?: string) =>
  load(test.database, acme, [HEADER, ...rows].join('\n'), {
    dataset: 'carrier_calls',
    ...(completeThrough ? { completeThrough: utc(completeThrough) } : {}),
  });

async function pass(at: string): Promise<void> {
  const now = utc(at);
  await planStage(now, test, signal());
  await processStage(now, test, signal());
  const open = await test.database.asSystem((tx) =>
    tx.query<{ id: string; tenantId: string }>(
      `select id, tenant_id as "tenantId" from daybook.runs where state in ('queued', 'running')`,
    ),
  );
  await Promise.all(open.map(({ id, tenantId }) => engine.finished(tenantId, id)));
  await processStage(now, test, signal());
}

describe("a carrier's rows", () => {
  it('are loaded once, however often their file is, and what is billed twice stays twice', async () => {
    expect(await loadRows(ROWS)).toMatchObject({ loaded: 5, unchanged: 0, superseded: 0 });
    expect(await loadRows(ROWS)).toMatchObject({ loaded: 0, updated: 0, unchanged: 5 });
    const bad = ['a9,2026-03-02T10:00:00Z,442,,60,0.20,EUR,north'];
    expect(await loadRows(bad)).toMatchObject({ loaded: 0, rejected: 1 });
    const changed = [ROWS[0].replace('0.10', '0.11')];
    expect(await loadRows(changed)).toMatchObject({ loaded: 0, updated: 1 });
    expect(await loadRows([ROWS[0]], '2026-03-20T00:00:00Z')).toMatchObject({ updated: 1 });
  });
});

describe('a schedule of reconciliations', () => {
  it('waits until the rows of the month are complete, then sends the workbook and keeps what it found', async () => {
    const schedule = await scheduleAt(test, acme, '2026-03-25T00:00:00Z', MONTHLY);
    await pass('2026-04-03T08:00:00Z');
    const [held] = await occurrencesOf(test, schedule.id);
    expect(held).toMatchObject({ state: 'held', reason: expect.stringContaining('carrier_calls') });

    await loadRows([ROWS[0]], '2026-04-01T00:00:00Z');
    await pass('2026-04-03T09:00:00Z');
    expect(await occurrencesOf(test, schedule.id)).toMatchObject([{ state: 'sealed' }]);
    const [file] = await test.database.asSystem((tx) =>
      tx.query<{ run: string; path: string; name: string; keys: [string, string][] }>(
        `select r.run_id as run, f.path, r.name, r.day_keys as keys from daybook.report_files r
         join daybook.files f on f.id = r.file_id`,
      ),
    );
    expect(file.name).toMatch(/\.xlsx$/);
    expect(file.keys.filter(([, key]) => key !== '').map(([date]) => date)).toEqual([
      ...['2026-03-01', '2026-03-02'],
    ]);
    const bytes = await readFile(join(home, file.path));
    // Of the trunk north alone, on both sides.
    expect(sheetRows(bytes, 'Only ours')).toHaveLength(1);
    expect(sheetRows(bytes, 'Duplicates')).toHaveLength(4);
    const found = await test.database.asTenant(acme.id, (tx) =>
      requireReconciliation(tx, acme.id, file.run),
    );
    expect(found).toMatchObject({
      ...{ state: 'open', carrier: 'carrier_calls of north', carrierSha256: null },
      ...{ ourTotal: '0.3', theirTotal: '0.9', requestedBy: 'operator:cli' },
    });

    const sent: { to: string; text: string; files: Buffer[] }[] = [];
    const mail: MailTransport = {
      async send({ text, attachments }, { beforeEnd }) {
        await beforeEnd();
        sent.push({ to: '', text, files: attachments.map((each) => each.bytes) });
        const done = { kind: 'sent', stage: 'end', code: '250', reply: '' } as const;
        return { ...done, concerns: 'message', tooLarge: false };
      },
      close: () => {},
    };
    const send = createSendStage(sendDeps({ database: test.database, home }, { mail }), {
      ...{ atOnce: 1, mostOfTenant: 1 },
    });
    await send(Date.now() + 1_000, signal());
    const mails = sent.filter(({ files }) => files.length > 0);
    expect(mails).toHaveLength(1);
    expect(mails[0].files[0].equals(bytes)).toBe(true);
    expect(mails[0].text).toContain('0.60');
  });

  it('fails, and makes nothing, once its owner may not reconcile any more', async () => {
    const { id } = await test.database.asSystem((tx) =>
      createApiKey(tx, {
        ...{ tenantId: acme.id, name: 'k', createdBy: 'test' },
        scopes: ['schedules.manage', 'exports.create'],
      }),
    );
    const tenant = await test.database.asSystem((tx) => requireTenant(tx, acme.id));
    const { id: scheduleId } = await test.database.asTenant(acme.id, (tx) =>
      addSchedule(
        tx,
        { ...MONTHLY, at: '08:30' },
        { tenant, owner: `key:${id}`, now: utc('2026-03-25T00:00:00Z') },
      ),
    );
    await pass('2026-04-03T09:30:00Z');
    expect(await occurrencesOf(test, scheduleId)).toMatchObject([
      { state: 'failed', reason: `key:${id} may not run schedules here any more` },
    ]);
  });

  it.each([
    [{ where: ['amount>=1'] }, 'narrows both sides'],
    [
      { where: ['trunk=north'], recipients: [{ email: 'a@example.com', where: ['trunk=south'] }] },
      'trunk = south',
    ],
    [{ format: 'csv' }, 'xlsx'],
    [{ zone: 'Asia/Tokyo' }, "dates of the tenant's own zone"],
    [{ params: { tolerance_seconds: -1 } }, 'a whole number from 0'],
  ])('is refused with %j', async (more, said) => {
    await expect(
      scheduleAt(test, acme, '2026-03-25T00:00:00Z', { ...MONTHLY, ...more }),
    ).rejects.toThrow(said);
  });
});
