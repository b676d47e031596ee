import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listDeliveries } from '../../src/store/deliveries.ts';
import { listAttempts } from '../../src/store/delivery-attempts.ts';
import { changeDeliverySettings } from '../../src/store/delivery-settings.ts';
import {
  type ScriptedServer,
  startScriptedServer,
} from '../delivery/mail/support/scripted-server.ts';
import {
  addOwing,
  deliveriesOf,
  letTimePass,
  type Owing,
  owe,
} from '../scheduler/send/support/owed.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { DAYBOOK } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

/** Real senders, killed while they talk to a real server: what is lost, and what comes twice. */

const KILLS = process.env.DAYBOOK_LONG === 'short' ? 8 : 60;
const TENANTS = 5;
const EACH = 40;

let test: TestDatabase;
let server: ScriptedServer;
let home: string;
let environment: Record<string, string>;
let owing: Owing[] = [];
beforeAll(async () => {
  test = await freshDatabase();
  server = await startScriptedServer({ starttls: false });
  home = freshHome();
  environment = {
    ...{ DAYBOOK_HOME: home, DATABASE_URL: test.url, LOG_LEVEL: 'silent' },
    SMTP_URL: `smtp://127.0.0.1:${server.port}?starttls=never`,
    MAIL_FROM: 'reports@acme.example',
    PATH: process.env.PATH as string,
  };
});
afterAll(async () => {
  await server.close();
  await test.drop();
});

/** Tenants that owe mails, where those that may have arrived are held, or not. */
async function addTenants(name: string, holdAmbiguous: boolean): Promise<void> {
  owing = [];
  server.messages.length = 0;
  for (let tenant = 0; tenant < TENANTS; tenant += 1) {
    const of = await addOwing(test.database, home, { name: `${name}-${tenant}` });
    owing.push(of);
    const { id: tenantId } = of.tenant;
    await test.database.asTenant(tenantId, (tx) =>
      changeDeliverySettings(tx, { tenantId, by: 'test', to: { holdAmbiguous } }),
    );
    for (let i = 0; i < EACH; i += 1) {
      await owe(test.database, of, { recipient: `${name}-t${tenant}-u${i}@example.com` });
    }
  }
}

/** Sends it all, and kills senders at various moments while there is something to send. */
async function sendWithKills(): Promise<number> {
  let kills = 0;
  for (let round = 0; (await stateCounts()).open > 0; round += 1) {
    const verb = (['data', 'end', 'end', 'rcpt'] as const)[round % 4];
    const isKilled = kills < KILLS;
    await send(isKilled ? { verb, times: 1 + (round % 3) } : null);
    if (isKilled) kills += 1;
    expect(round).toBeLessThan(KILLS + 50);
  }
  return kills;
}

/** Copies by recipient. */
function arrived(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const bytes of server.messages) {
    const to = /^To: (\S+)/im.exec(bytes.toString('latin1'))?.[1] as string;
    counts.set(to, (counts.get(to) ?? 0) + 1);
  }
  return counts;
}

async function doubtsOf({ tenantId, id }: { tenantId: string; id: string }): Promise<number> {
  const attempts = await test.database.asTenant(tenantId, (tx) => listAttempts(tx, id));
  return attempts.filter(
    ({ outcome, finalAt }) => finalAt !== null && (outcome === 'lost' || outcome === 'ambiguous'),
  ).length;
}

/** A sender until it ends, or until the server has heard a verb so often. */
async function send(
  killAt: { verb: 'rcpt' | 'data' | 'end'; times: number } | null,
): Promise<void> {
  const child = spawn(process.execPath, [DAYBOOK, 'tick', '--stage', 'send'], { env: environment });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let left = killAt?.times ?? 0;
  server.onVerb = (verb) => {
    if (verb !== killAt?.verb) return;
    left -= 1;
    if (left === 0) child.kill('SIGKILL');
  };
  await ended;
  server.onVerb = () => {};
  // The dead hold their leases; a minute goes by.
  await letTimePass(test.database, '20 minutes');
  await test.database.asSystem((tx) =>
    tx.run(`update daybook.leases set until = now() - interval '1 second'`),
  );
}

const stateCounts = async () => {
  const rows = (
    await Promise.all(owing.map(({ tenant }) => deliveriesOf(test.database, tenant.id)))
  ).flat();
  return { rows, open: rows.filter(({ state }) => !['sent', 'held'].includes(state)).length };
};

it(`${KILLS} kills lose nothing; each second copy bears the same Message-ID and was in doubt; none has a third`, async () => {
  await addTenants('again', false);
  const kills = await sendWithKills();
  const copies = new Map<string, Set<string>>();
  const counts = arrived();
  for (const bytes of server.messages) {
    const text = bytes.toString('latin1');
    const to = /^To: (\S+)/im.exec(text)?.[1] as string;
    const id = /^Message-ID: (\S+)/im.exec(text)?.[1] as string;
    copies.set(to, (copies.get(to) ?? new Set()).add(id));
  }
  const { rows } = await stateCounts();
  let doubles = 0;
  for (const row of rows) {
    const doubts = await doubtsOf(row);
    const count = counts.get(row.recipient) ?? 0;
    // Held after two doubts: whether it arrived is for a person to say. All others did.
    if (row.state === 'sent') expect(count, row.recipient).toBeGreaterThanOrEqual(1);
    expect(count, row.recipient).toBeLessThanOrEqual(2);
    if (count === 2) {
      doubles += 1;
      expect(doubts, row.recipient).toBeGreaterThanOrEqual(1);
    }
    expect(copies.get(row.recipient)?.size ?? 1, row.recipient).toBe(1);
  }
  console.info(
    JSON.stringify({
      kills,
      mails: rows.length,
      doubles,
      held: rows.filter(({ state }) => state === 'held').length,
      heldWithoutACopy: rows.filter(
        ({ state, recipient }) => state === 'held' && !counts.has(recipient),
      ).length,
    }),
  );
});

it(`where the tenant holds what is in doubt, ${KILLS} kills send no second copy, and each doubt is listed as held`, async () => {
  await addTenants('held', true);
  const kills = await sendWithKills();
  const counts = arrived();
  const { rows } = await stateCounts();
  const listed = await Promise.all(
    owing.map(({ tenant }) =>
      test.database.asTenant(tenant.id, (tx) =>
        listDeliveries(tx, { limit: 1_000, after: null, state: 'held' }),
      ),
    ),
  );
  const held = new Set(listed.flatMap(({ deliveries }) => deliveries.map(({ id }) => id)));
  for (const row of rows) {
    const doubts = await doubtsOf(row);
    expect(doubts, row.recipient).toBeLessThanOrEqual(1);
    // Who is not sure is told so; who is sure was right.
    expect({ state: row.state, isListed: held.has(row.id) }, row.recipient).toEqual({
      ...{ state: doubts === 1 ? 'held' : 'sent', isListed: doubts === 1 },
    });
    const count = counts.get(row.recipient) ?? 0;
    expect(count, row.recipient).toBeLessThanOrEqual(1);
    if (row.state === 'sent') expect(count, row.recipient).toBe(1);
  }
  // Of the kills at the final dot, at least.
  expect(held.size).toBeGreaterThan(0);
  console.info(JSON.stringify({ kills, mails: rows.length, held: held.size }));
});
