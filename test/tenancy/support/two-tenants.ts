import { createHash, createHmac, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { installationKeys } from '../../../src/delivery/installation-secret.ts';
import { createIngestKey } from '../../../src/ingest/signed/create-key.ts';
import { PRESETS } from '../../../src/principals/permissions.ts';
import { ROLES } from '../../../src/principals/principal.ts';
import { planStage } from '../../../src/scheduler/stages/plan.ts';
import { processStage } from '../../../src/scheduler/stages/process.ts';
import { sealSecret } from '../../../src/secrets/sealed-secret.ts';
import { createApiKey } from '../../../src/store/api-keys.ts';
import { queueConnectorRun } from '../../../src/store/connector-runs.ts';
import { insertConnector } from '../../../src/store/connectors.ts';
import { addCustomer } from '../../../src/store/customers.ts';
import type { Database, Tx } from '../../../src/store/database.ts';
import { storeArrival } from '../../../src/store/ingest-arrivals.ts';
import { postEntry } from '../../../src/store/ledger-postings.ts';
import { grantTrialLicence } from '../../../src/store/licences.ts';
import { addMember, addOperator, removeMember } from '../../../src/store/members.ts';
import { putPayer } from '../../../src/store/payers.ts';
import { lockPeriod } from '../../../src/store/period-locks.ts';
import { putAssignment, putPayerRule } from '../../../src/store/plan-rules.ts';
import { putProduct } from '../../../src/store/products.ts';
import { sendProposal } from '../../../src/store/proposal-deeds.ts';
import { draftProposal } from '../../../src/store/proposal-drafts.ts';
import { insertLines } from '../../../src/store/reconciliation-lines.ts';
import { insertReconciliation } from '../../../src/store/reconciliations.ts';
import { listReportFiles } from '../../../src/store/report-files.ts';
import { listRuns } from '../../../src/store/runs.ts';
import { addSchedule, runScheduleNow } from '../../../src/store/save-schedule.ts';
import { addSnapshotPart, noteRefusal, openSnapshot } from '../../../src/store/snapshots.ts';
import { insertBinding } from '../../../src/store/source-bindings.ts';
import { insertSource } from '../../../src/store/sources.ts';
import { requireTenant } from '../../../src/store/tenants.ts';
import { insertTrigger } from '../../../src/store/triggers.ts';
import { load } from '../../ingest/support/load.ts';
import { ratingRig } from '../../scheduler/rating/support.ts';
import { addOwing, owe } from '../../scheduler/send/support/owed.ts';
import { addTestTenant, type TestDatabase, type TestTenant } from '../../support/database.ts';
import { startEngine, type TestEngine } from '../../support/engine.ts';

/**
 * Two companies that have everything a tenant can have. Every text of one bears its canary, so
 * that a single value that strays is found.
 */

export const PERIOD = { from: '2026-03-01', to: '2026-03-02' };
export const REPORTS = [
  'calls',
  'queues',
  'agents',
  'traffic',
  'sales',
  'sales-daily',
  'products',
  'proposals',
  'billing',
  'charges',
  'statement',
] as const;

export interface Company {
  readonly tenant: TestTenant;
  readonly canary: string;
  /** Everything that names something of it. */
  readonly ids: Readonly<
    Record<
      | ('run' | 'key' | 'user' | 'load' | 'file' | 'schedule' | 'sealed' | 'delivery')
      | ('suppression' | 'connector' | 'trigger' | keyof Awaited<ReturnType<typeof sellAll>>)
      | keyof Awaited<ReturnType<typeof bindOne>>
      | keyof Awaited<ReturnType<typeof billAll>>
      | keyof Awaited<ReturnType<typeof signAll>>,
      string
    >
  >;
  /** Tokens of keys by preset; a spare one is the one that `ids` names. */
  readonly keys: Readonly<Record<string, string>>;
  /** Users by role, `ex` of nobody who is a member now. */
  readonly users: Readonly<Record<string, string>>;
}

export const KEYS = installationKeys('a secret of thirty-two characters');
export const OPERATOR = '99999999-9999-4999-8999-999999999999';
export const JWT_SECRET = 'a secret of at least thirty-two characters';
export const JWT = {
  issuer: 'https://project.example/auth/v1',
  audience: 'authenticated',
  keys: { secret: JWT_SECRET },
};

export function tokenOf(user: string): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const seconds = Math.floor(Date.now() / 1000);
  const input = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({
    iss: JWT.issuer,
    aud: JWT.audience,
    sub: user,
    role: 'authenticated',
    iat: seconds - 60,
    exp: seconds + 3600,
  })}`;
  return `${input}.${createHmac('sha256', JWT_SECRET).update(input).digest('base64url')}`;
}

export async function twoTenants(
  test: TestDatabase,
  home: string,
): Promise<{ a: Company; b: Company }> {
  await test.database.asSystem((tx) => addOperator(tx, OPERATOR, 'operator@example.com'));
  return {
    a: await company(test.database, home, 'alpha-canary'),
    b: await company(test.database, home, 'beta-canary'),
  };
}

async function company(database: Database, home: string, canary: string): Promise<Company> {
  const tenant = await addTestTenant(database, { name: canary, zone: 'UTC' });
  const loaded = await loadAll(database, tenant, canary);
  const sold = await sellAll(database, tenant, canary);
  const money = await billAll(database, tenant, canary);
  const bound = await bindOne(database, tenant, canary);
  const signed = await signAll(database, tenant, canary);
  const keys: Record<string, string> = {};
  const users: Record<string, string> = {};
  let key = '';
  await database.asSystem(async (tx) => {
    for (const preset of [...PRESETS, 'spare' as const]) {
      const made = await createApiKey(tx, {
        tenantId: tenant.id,
        name: `${canary} ${preset}`,
        scopes: [preset === 'spare' ? 'read' : preset],
        createdBy: `user:${canary}`,
      });
      keys[preset] = made.token;
      key = made.id;
    }
    for (const role of [...ROLES, 'ex']) {
      const userId = randomUUID();
      users[role] = userId;
      await addMember(tx, {
        tenantId: tenant.id,
        userId,
        email: `${canary}-${role}@example.com`,
        roles: [role === 'ex' ? 'owner' : role],
      });
      if (role === 'ex') await removeMember(tx, tenant.id, userId);
    }
  });
  const engine = startEngine({ database, home });
  const made = [];
  for (const report of REPORTS) {
    made.push(
      await engine.export(tenant.id, {
        report,
        ...PERIOD,
        format: 'ndjson',
        where: report === 'calls' ? [`caller!=${canary}-nobody`] : [],
      }),
    );
  }
  const { schedule, sealed } = await sealOne(database, tenant, canary, engine);
  await engine.stop();
  const [{ run, file }] = made;
  const owing = await addOwing(database, home, { name: canary, tenant });
  const delivery = await owe(database, owing, { recipient: `${canary}@example.com` });
  const suppression = await database.asTenant(tenant.id, async (tx) => {
    const [row] = await tx.query<{ id: string }>(
      `insert into daybook.suppressions (tenant_id, recipient, reason)
       values ($1, $2, 'bounced') returning id`,
      [tenant.id, `${canary}-gone@example.com`],
    );
    return row.id;
  });
  const fetched = await database.asTenant(tenant.id, (tx) => addFetching(tx, tenant.id, canary));
  return {
    tenant,
    canary,
    ids: {
      ...{ run: run.id, key, user: users.viewer, load: loaded, file: file.id, schedule, sealed },
      ...{ delivery, suppression, ...fetched, ...sold, ...money, ...bound, ...signed },
    },
    keys,
    users,
  };
}

/** A connector that waits to be run, and a trigger of it. */
async function addFetching(
  tx: Tx,
  tenantId: string,
  canary: string,
): Promise<{ connector: string; trigger: string }> {
  const spec = { dataset: 'calls', url: 'https://1.1.1.1/calls', headers: { 'x-own': canary } };
  const by = `user:${canary}`;
  const { id: connector } = await insertConnector(tx, {
    ...{ tenantId, id: randomUUID(), name: canary, spec, active: true, by },
    sealedSecret: Buffer.from(canary),
    next: null,
  });
  await queueConnectorRun(tx, { tenantId, connectorId: connector, cause: 'person', by });
  const { id: trigger } = await insertTrigger(tx, {
    ...{ tenantId, name: canary, connectorId: connector, scheduleId: null, by },
    tokenSha256: triggerTokenSha256(canary),
  });
  return { connector, trigger };
}

export function triggerTokenSha256(canary: string): Buffer {
  return createHash('sha256').update(canary).digest();
}

/** A schedule, and one file that it made and owes. */
async function sealOne(
  database: Database,
  tenant: TestTenant,
  canary: string,
  engine: TestEngine,
): Promise<{ schedule: string; sealed: string }> {
  const found = await database.asSystem((tx) => requireTenant(tx, tenant.id));
  const now = Date.UTC(2026, 2, 3, 8);
  const raw = {
    ...{ name: `${canary}-schedule`, report: 'calls', period: 'yesterday', every: 'day' },
    ...{ at: '08:00', recipients: [{ email: `${canary}@example.com` }] },
  };
  const { id } = await database.asTenant(tenant.id, async (tx) => {
    // Not due in any test.
    const saving = { tenant: found, owner: 'operator:cli', now: Date.now() };
    const saved = await addSchedule(tx, raw, saving);
    await runScheduleNow(tx, saved.id, { ...saving, now });
    return saved;
  });
  await stepsOf(database, tenant.id, engine, now);
  const { files } = await database.asTenant(tenant.id, (tx) =>
    listReportFiles(tx, { limit: 1, after: null }),
  );
  return { schedule: id, sealed: files[0].id };
}

/** Makes what is due, and seals it. */
export async function stepsOf(
  database: Database,
  tenantId: string,
  engine: Pick<TestEngine, 'finished'>,
  now: number,
): Promise<void> {
  const signal = AbortSignal.timeout(20_000);
  await planStage(now, { database }, signal);
  await processStage(now, { database }, signal);
  const { runs } = await database.asTenant(tenantId, (tx) =>
    listRuns(tx, { limit: 50, cursor: null, workClass: 'scheduled' }),
  );
  for (const { id } of runs) await engine.finished(tenantId, id);
  await processStage(now, { database }, signal);
}

const carriersOf = (canary: string) =>
  [
    'external_id,started_at,caller,callee,billed_seconds,amount,currency,trunk',
    `1,${PERIOD.from}T10:00:00Z,${canary},${canary},60,0.06,USD,${canary}-t`,
    `2,${PERIOD.from}T11:00:00Z,${canary},,60,0.06,USD,${canary}-t`,
  ].join('\n');

/** Calls, order lines and a carrier's rows, some of each refused. The ids of rows are the same for both companies. */
export async function loadAll(
  database: Database,
  tenant: TestTenant,
  canary: string,
): Promise<string> {
  const completeThrough = Date.UTC(2026, 2, 3);
  const calls = await load(database, tenant, callsOf(canary), {
    name: `${canary}-calls.csv`,
    completeThrough,
  });
  await load(database, tenant, linesOf(canary), {
    dataset: 'order_lines',
    name: `${canary}-lines.csv`,
    completeThrough,
  });
  await load(database, tenant, carriersOf(canary), {
    dataset: 'carrier_calls',
    name: `${canary}-carrier.csv`,
    completeThrough,
  });
  return calls.load_id;
}

/** A source where nobody answers, and a binding for dates long ago. */
async function bindOne(database: Database, { id: tenantId }: TestTenant, canary: string) {
  return database.asTenant(tenantId, async (tx) => {
    const id = randomUUID();
    const source = await insertSource(tx, {
      ...{ id, tenantId, name: `${canary}-source`, kind: 'postgres', reach: 'any' },
      settings: { host: '127.0.0.1', port: '1', database: canary, user: canary, tls: 'off' },
      credentials: sealSecret(KEYS, id, JSON.stringify({ password: canary })),
      createdBy: `user:${canary}`,
    });
    const binding = await insertBinding(tx, {
      ...{ tenantId, source, dataset: 'calls', from: canary, map: {}, only: null },
      ...{ anchorColumn: 'started_at', keyColumn: 'external_id', updatedColumn: null },
      ...{ fromDate: null, toDate: '1999-12-31', createdBy: `user:${canary}` },
    });
    return { source: source.id, binding };
  });
}

/** A customer on trial, a product, a licence, a proposal that was sent, a reconciliation. */
async function sellAll(database: Database, { id: tenantId }: TestTenant, canary: string) {
  return database.asTenant(tenantId, async (tx) => {
    const by = `user:${canary}`;
    // Without its canary: they may be named in an answer to who asked for them.
    const [customer, product] = [randomUUID(), randomUUID()];
    const today = '2026-03-01';
    await addCustomer(tx, {
      ...{ tenantId, key: customer, title: canary, email: null, trialDays: 9, createdBy: by },
    });
    await putProduct(tx, tenantId, {
      ...{ sku: product, title: canary, listPrice: '1.50', currency: 'USD', licensed: true },
      ...{ licenceDays: null, active: true, changedBy: by },
    });
    const wanted = { tenantId, customer, sku: product, seats: '1', grantedBy: by };
    const licence = await grantTrialLicence(tx, wanted);
    const line = { sku: product, quantity: '2', policies: [], discount: null };
    const proposal = await draftProposal(tx, {
      ...{ tenantId, customer, title: canary, currency: 'USD', validUntil: '2999-01-01' },
      ...{ salesperson: by, lines: [line], today, grantor: null },
    });
    await sendProposal(tx, { tenantId, id: proposal.id, by, today });
    await tx.run('update daybook.proposals set created_at = $1', ['2026-03-01T10:00:00Z']);
    await tx.run('update daybook.proposal_lines set proposed_at = $1', ['2026-03-01T10:00:00Z']);
    const none = { rows: 0, ours: '0', theirs: '0', explains: '0' };
    const reconciliation = await insertReconciliation(tx, {
      ...{ tenantId, period: PERIOD, zone: 'UTC', carrier: `${canary}.csv`, carrierSha256: canary },
      ...{ currency: 'USD', request: { note: canary }, ourRows: 1, theirRows: 0, unrated: 0 },
      ...{ ourTotal: '1', theirTotal: '0', requestedBy: by },
      classes: {
        ...{ matched: none, only_theirs: none, duration: none, rate: none, rounding: none },
        ...{ duplicate: none, only_ours: { rows: 1, ours: '1', theirs: '0', explains: '-1' } },
      },
    });
    const theirs = { theirRow: null, theirId: null, theirStartedAt: null };
    await insertLines(tx, tenantId, reconciliation, [
      {
        ...{ lineNo: 1, class: 'only_ours', caller: canary, callee: canary, callId: canary },
        ...{ startedAt: 1, billedSeconds: 1, amount: '1', ...theirs, theirBilledSeconds: null },
        ...{ theirAmount: null, explains: '-1' },
      },
    ]);
    return { customer, product, licence: licence.id, proposal: proposal.id, reconciliation };
  });
}

/** A key that signs batches, and a batch that died. */
async function signAll(database: Database, tenant: TestTenant, canary: string) {
  return database.asTenant(tenant.id, async (tx) => {
    const key = await createIngestKey(
      tx,
      {
        ...{ tenantId: tenant.id, name: canary, source: null, scheme: 'standard', secret: null },
        ...{ header: null, prefix: null, idHeader: null, datasets: [], maps: {}, expiresAt: null },
        createdBy: `user:${canary}`,
      },
      installationKeys('a secret of thirty-two characters'),
    );
    const calm = { batches: 0, storedBytes: 0, batchesPerSecond: 0, bytesPerSecond: 0 };
    const wide = { batches: 1000, storedBytes: 1e9 };
    const batch = await storeArrival(
      tx,
      {
        ...{ tenantId: tenant.id, tenantName: tenant.name, dataset: 'calls', kind: 'rows' },
        ...{ source: canary, messageId: `${canary}-message`, contentSha256: Buffer.alloc(32) },
        ...{ keyId: key.id, completeThrough: null, rawBytes: 1, rows: 1 },
        pieces: [gzipSync(`${canary}\n`)],
      },
      wide,
      { state: calm, limits: wide },
    );
    await tx.run(
      `update daybook.ingest_batches
       set state = 'dead', ended_at = now(), error_code = 'E_INTERNAL', error_message = $2
       where id = $1`,
      [batch.id, canary],
    );
    const { id: snapshot } = await openSnapshot(tx, {
      ...{ tenantId: tenant.id, dataset: 'calls', source: canary, map: null },
      ...{ scope: { window: null, prefix: `${canary}-` }, openedBy: `user:${canary}` },
    });
    const part = { partNo: 0, bodySha256: Buffer.alloc(32), rows: 1 };
    await addSnapshotPart(tx, tenant.id, snapshot, { ...part, pieces: [gzipSync(`${canary}\n`)] });
    await noteRefusal(tx, tenant.id, snapshot, canary);
    return { ingestKey: key.id, batch: batch.id, snapshot };
  });
}

/** Rates, a payer, a rule, an assignment, charges, an entry, a lock: all that money has. */
async function billAll(database: Database, tenant: TestTenant, canary: string) {
  const rig = ratingRig(database, tenant);
  const plan = 'plan,prefix,valid_from,rate,direction,description';
  await rig.rates(`${plan}\nstandard,*,2026-03-01T00:00:00Z,0.06,inbound,${canary}-d\n`);
  const by = { tenantId: tenant.id, changedBy: `user:${canary}` };
  const ids = await database.asTenant(tenant.id, async (tx) => {
    await putPayer(tx, { tenantId: tenant.id, key: `${canary}-payer`, title: canary });
    const validFrom = null;
    const payer = `${canary}-payer`;
    const value = { matchBy: 'trunk', matchValue: `${canary}-t` };
    const rule = await putPayerRule(tx, { ...by, ...value, validFrom, payer });
    const assignment = await putAssignment(tx, {
      ...{ ...by, payer, direction: 'inbound', agent: null, validFrom, plan: 'standard' },
    });
    const lock = await lockPeriod(tx, {
      tenantId: tenant.id,
      period: { from: '2020-01-01', to: '2020-01-31' },
      reason: `${canary} signed off`,
      lockedBy: `user:${canary}`,
    });
    return { rule: rule.id, assignment: assignment.id, lock: lock.id };
  });
  await rig.pass();
  await database.asTenant(tenant.id, async (tx) => {
    await postEntry(
      tx,
      {
        ...{ kind: 'credit', payer: `${canary}-payer`, currency: 'USD', amount: '5' },
        ...{ effectiveOn: '2026-03-01', note: canary, source: `${canary}-payment` },
      },
      {
        tenant: await requireTenant(tx, tenant.id),
        postedBy: `user:${canary}`,
        now: Date.UTC(2026, 2, 3),
      },
    );
  });
  return ids;
}

function callsOf(canary: string): string {
  const lines = [
    'external_id,started_at,ended_at,direction,caller,callee,queue,agent,trunk,disposition,wait_seconds,talk_seconds,note',
  ];
  for (const row of [1, 2, 3, 4]) {
    const at = `2026-03-0${(row % 2) + 1}T1${row}:00`;
    lines.push(
      `${row},${at}:00Z,${at}:30Z,inbound,${canary}-r${row},${canary}-e,${canary}-q,${canary}-a,${canary}-t,answered,1,20,${canary}-n`,
    );
  }
  lines.push(`bad,yesterday,${canary}-ended,inbound,${canary}-refused,,,,,answered,,,${canary}`);
  return `${lines.join('\n')}\n`;
}

function linesOf(canary: string): string {
  const lines = [
    'order_id,line_no,ordered_at,status,kind,customer,sku,description,quantity,unit_price,currency,region,salesperson',
  ];
  for (const row of [1, 2, 3]) {
    lines.push(
      `o${row},1,2026-03-01T0${row}:00:00Z,paid,sale,${canary}-c,${canary}-s${row},${canary}-d,2,1.50,USD,${canary}-r,${canary}-p`,
    );
  }
  lines.push(`o4,x,${canary},paid,sale,${canary}-refused,,,,,,,`);
  return `${lines.join('\n')}\n`;
}

/** Every table of tenants with what a company has in it, as one text per table. */
export async function rowsOf(
  database: Database,
  company: Company,
): Promise<Readonly<Record<string, string>>> {
  return database.asOwner(async (tx) => {
    const tables = await tx.query<{ name: string; owner: string }>(
      `select c.table_name as name, c.column_name as owner
       from information_schema.columns c join information_schema.tables t
         on t.table_schema = c.table_schema and t.table_name = c.table_name
       where c.table_schema = 'daybook' and t.table_type = 'BASE TABLE'
         and (c.column_name = 'tenant_id' or (c.table_name = 'tenants' and c.column_name = 'id'))`,
    );
    const rows: Record<string, string> = {};
    for (const { name, owner } of tables) {
      const [{ sum }] = await tx.query<{ sum: string }>(
        `select count(*) || ' rows ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as sum
         from daybook.${name} t where t.${owner} = $1`,
        [company.tenant.id],
      );
      rows[name] = sum;
    }
    return rows;
  });
}

/** Whatever of a company stands in a text; empty: nothing. */
export function traces(text: string, company: Company): string[] {
  const marks = [
    new RegExp(company.canary.replace('-', '.?'), 'i'),
    ...[company.tenant.id, ...Object.values(company.ids), ...Object.values(company.users)].map(
      (id) => new RegExp(id),
    ),
  ];
  return marks.flatMap((mark) => mark.exec(text)?.[0] ?? []);
}
