import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSendStage } from '../../../src/scheduler/send/send.ts';
import { createSendMeter } from '../../../src/scheduler/send/send-metrics.ts';
import { suppress } from '../../../src/store/suppressions.ts';
import {
  type ScriptedServer,
  startScriptedServer,
} from '../../delivery/mail/support/scripted-server.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { addOwing, letTimePass, owe } from './support/owed.ts';
import { sendDeps } from './support/stage.ts';

let test: TestDatabase;
let home: string;
let server: ScriptedServer;
beforeAll(async () => {
  test = await freshDatabase();
  home = await mkdtemp(join(tmpdir(), 'daybook-send-'));
  server = await startScriptedServer();
});
afterAll(async () => {
  await server.close();
  await test.drop();
  await rm(home, { recursive: true });
});

it('what was sent, put off, taken back and held back is counted, and how long after it was due', async () => {
  const { database } = test;
  const owing = await addOwing(database, home, { name: 'acme' });
  await database.asSystem((tx) =>
    tx.run(`update daybook.occurrences set due_at = now() - interval '40 s'`),
  );
  const registry = new Registry();
  const deps = sendDeps(
    { database, home, smtpPort: server.port },
    { meter: createSendMeter(registry, Date.now) },
  );
  const pass = createSendStage(deps, { atOnce: 1, mostOfTenant: 1 });
  const run = () => pass(Date.now() + 1_000, new AbortController().signal);
  try {
    const first = await owe(database, owing, { recipient: 'ana@example.com' });
    await owe(database, owing, { recipient: 'bo@example.com' });
    await database.asTenant(owing.tenant.id, (tx) =>
      suppress(tx, {
        ...{ tenantId: owing.tenant.id, recipient: 'bo@example.com', scheduleId: null },
        ...{ reason: 'bounced', detail: '550 5.1.1' },
      }),
    );
    server.script = { rcpt: '450 4.2.0 greylisted' };
    await run();
    server.script = {};
    // As a process that was killed would have left it.
    await letTimePass(database, '20 minutes');
    await database.asSystem((tx) =>
      tx.run(
        `update daybook.deliveries set state = 'sending', lease_owner = 'dead',
           lease_until = now() - interval '1 s' where id = $1`,
        [first],
      ),
    );
    await run();
  } finally {
    deps.mail.close();
  }
  const lines = (await registry.metrics()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'daybook_deliveries_total{state="sent"} 1',
      'daybook_deliveries_total{state="pending"} 1',
      'daybook_deliveries_total{state="suppressed"} 1',
      'daybook_deliveries_total{state="failed"} 0',
      'daybook_deliveries_recovered_total 1',
      'daybook_delivery_seconds_count 1',
      'daybook_delivery_seconds_bucket{le="30"} 0',
      'daybook_delivery_seconds_bucket{le="120"} 1',
    ]),
  );
});
