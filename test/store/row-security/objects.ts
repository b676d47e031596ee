/**
 * Every object of schema `daybook`, and who may do what with it. A new table, view, function or
 * sequence that is not listed here fails the tests beside this file.
 */

export interface TableAccess {
  /** What a signed-in member may do with the rows of the own tenant; letters of `SIUD`. */
  readonly member: string;
  /** What a tenant's transaction (`daybook_tenant`) may do with the tenant's own rows. */
  readonly tenant: string;
  /** What a system transaction (`daybook_system`) may do with the rows of every tenant. */
  readonly system: string;
  /** A row of a tenant: the columns that need a value, from `tenant` and a fresh `nonce`. */
  readonly row: (tenant: string, nonce: string) => Readonly<Record<string, unknown>>;
  /** A column that may be updated. */
  readonly touch: string;
}

const now = new Date('2026-03-01T12:00:00Z');
const uuidOf = (nonce: string) => `${nonce.padStart(8, '0')}-0000-4000-8000-000000000000`;

/** The run and the load that every tenant of the tests has. */
export const runOf = (tenant: string) => tenant.replace(/^.{8}/, 'aaaaaaaa');
export const loadOf = (tenant: string) => tenant.replace(/^.{8}/, 'bbbbbbbb');
/** So do its schedule, an occurrence of it, and the file of the run. */
export const scheduleOf = (tenant: string) => tenant.replace(/^.{8}/, 'dddddddd');
export const occurrenceOf = (tenant: string) => tenant.replace(/^.{8}/, 'eeeeeeee');
export const fileOf = (tenant: string) => tenant.replace(/^.{8}/, 'ffffffff');
/** And the sealed file of it, and a delivery. */
export const reportFileOf = (tenant: string) => tenant.replace(/^.{8}/, 'cccccccc');
export const connectorOf = (tenant: string) => tenant.replace(/^.{8}/, '88888888');
export const deliveryOf = (tenant: string) => tenant.replace(/^.{8}/, '99999999');

/** And a source of its own, for bindings. */
export const sourceOf = (tenant: string) => tenant.replace(/^.{8}/, '66666666');

/** Tables whose first row the tests give an id, in the order in which they refer to each other. */
export const WITH_ID: Readonly<Record<string, (tenant: string) => string>> = {
  runs: runOf,
  loads: loadOf,
  files: fileOf,
  schedules: scheduleOf,
  occurrences: occurrenceOf,
  report_files: reportFileOf,
  deliveries: deliveryOf,
  sources: sourceOf,
  connectors: connectorOf,
};

/** What else every tenant of the tests has, for rows that refer to it. */
export const payerAccountOf = (tenant: string) => tenant.replace(/^.{8}/, 'cccccccc');
export const revenueAccountOf = (tenant: string) => tenant.replace(/^.{8}/, 'dddddddd');
export const FIXTURES: readonly (readonly [
  table: string,
  row: (tenant: string) => Readonly<Record<string, unknown>>,
])[] = [
  ['rate_plans', (tenant_id) => ({ tenant_id, name: 'fixture', currency: 'EUR' })],
  ['rate_versions', (tenant_id) => ({ ...versionOf(tenant_id), valid_from: now })],
  [
    'ledger_accounts',
    (tenant_id) => ({
      tenant_id,
      id: payerAccountOf(tenant_id),
      kind: 'payer',
      payer: 'fixture',
      currency: 'EUR',
    }),
  ],
  [
    'ledger_accounts',
    (tenant_id) => ({
      tenant_id,
      id: revenueAccountOf(tenant_id),
      kind: 'revenue',
      currency: 'EUR',
    }),
  ],
  [
    'ledger_notices',
    (tenant_id) => ({
      ...{ tenant_id, account_id: payerAccountOf(tenant_id), key: noticeOf(tenant_id) },
      ...{ balance: '1', low_balance: '2' },
    }),
  ],
  [
    'customers',
    (tenant_id) => ({ tenant_id, key: 'fixture', title: 'T', state: 'active', created_by: 'x' }),
  ],
  ['products', (tenant_id) => ({ ...productOf(tenant_id), sku: 'fixture' })],
  ['proposals', (tenant_id) => ({ ...proposalOf(tenant_id), id: 'fixture' })],
  ['proposal_lines', (tenant_id) => ({ ...proposalLineOf(tenant_id), line_no: 1 })],
  [
    'reconciliations',
    (tenant_id) => ({ ...reconciliationRowOf(tenant_id), id: reconciliationOf(tenant_id) }),
  ],
  ['ingest_keys', (tenant_id) => ingestKeyRowOf(tenant_id, ingestKeyOf(tenant_id))],
  [
    'ingest_batches',
    (tenant_id) => ({ ...ingestBatchRowOf(tenant_id, 'fixture'), id: batchOf(tenant_id) }),
  ],
  ['snapshots', (tenant_id) => ({ ...snapshotRowOf(tenant_id), id: snapshotOf(tenant_id) })],
  ['snapshot_parts', (tenant_id) => ({ ...snapshotPartOf(tenant_id), part_no: 0 })],
  ['calls', (tenant_id) => callRowOf(tenant_id, 'fixture')],
];
const callRowOf = (tenant_id: string, external_id: string) => ({
  tenant_id,
  external_id,
  started_at: now,
  ended_at: now,
  disposition: 'answered',
});
const snapshotOf = (tenant: string) => tenant.replace(/^.{8}/, '66666666');
const snapshotRowOf = (tenant_id: string) => ({
  ...{ tenant_id, dataset: 'calls', source: 's', opened_by: 'x', expires_at: now },
});
const snapshotPartOf = (tenant_id: string) => ({
  ...{ tenant_id, snapshot_id: snapshotOf(tenant_id), row_count: 1, stored_bytes: 1 },
  body_sha256: Buffer.alloc(32),
});
/** Its key that signs batches, and a batch. */
const ingestKeyOf = (tenant: string) => `dbi_${tenant.slice(-16)}`;
const batchOf = (tenant: string) => tenant.replace(/^.{8}/, '77777777');
const ingestKeyRowOf = (tenant_id: string, id: string) => ({
  tenant_id,
  id,
  name: 'k',
  source: 's',
  scheme: 'standard',
  sealed_secret: Buffer.alloc(64),
  datasets: ['calls'],
  created_by: 'x',
});
const ingestBatchRowOf = (tenant_id: string, message_id: string) => ({
  tenant_id,
  message_id,
  dataset: 'calls',
  source: 's',
  content_sha256: Buffer.alloc(32),
  key_id: ingestKeyOf(tenant_id),
  stored_bytes: 1,
  raw_bytes: 1,
  row_count: 1,
});
export const reconciliationOf = (tenant: string) => tenant.replace(/^.{8}/, 'eeeeeeee');
const noticeOf = (tenant: string) => tenant.replace(/^.{8}/, 'eeeeeeee');
const productOf = (tenant_id: string) => ({
  tenant_id,
  title: 'T',
  list_price: '1',
  currency: 'EUR',
  changed_by: 'x',
});
const proposalOf = (tenant_id: string) => ({
  tenant_id,
  customer: 'fixture',
  title: 'T',
  currency: 'EUR',
  valid_until: '2026-03-01',
  salesperson: 'x',
});
const proposalLineOf = (tenant_id: string) => ({
  tenant_id,
  proposal_id: 'fixture',
  proposed_at: now,
  status: 'draft',
  customer: 'fixture',
  sku: 'fixture',
  quantity: '1',
  list_price: '1',
  list_amount: '1',
  allowed_discount: '0',
  discount: '0',
  net: '1',
  currency: 'EUR',
});
const reconciliationRowOf = (tenant_id: string) => ({
  tenant_id,
  period_from: '2026-03-01',
  period_to: '2026-03-31',
  zone: 'UTC',
  carrier: 'c.csv',
  carrier_sha256: 'x',
  currency: 'EUR',
  request: '{}',
  our_rows: 0,
  their_rows: 0,
  our_total: '0',
  their_total: '0',
  classes: '{}',
  unrated: 0,
  requested_by: 'x',
});
const versionOf = (tenant_id: string) => ({
  tenant_id,
  plan: 'fixture',
  row_count: 1,
  content_sha256: 'x',
  file_name: 'f',
  loaded_by: 'x',
});

const kept = { tenant: 'SIUD', system: 'SIUD' };
const ofReports = { tenant: 'SIUD', system: '' };
const ofMoney = { member: '', tenant: 'SIUD', system: '' };

export const TABLES: Readonly<Record<string, TableAccess>> = {
  tenants: {
    ...{ member: 'S', tenant: 'SU', system: 'SIUD' },
    row: (_, nonce) => ({ name: `t${nonce}`, title: 'T' }),
    touch: 'title',
  },
  tenant_zones: {
    ...{ member: 'S', ...kept },
    row: (tenant_id, nonce) => ({
      tenant_id,
      valid_from: `2${nonce.slice(-3)}-01-01`,
      zone: 'UTC',
    }),
    touch: 'zone',
  },
  members: {
    // The own membership only; the tests add the members themselves.
    ...{ member: 'S', ...kept },
    row: (tenant_id, nonce) => ({ tenant_id, user_id: uuidOf(nonce), roles: ['viewer'] }),
    touch: 'email',
  },
  operators: {
    ...{ member: '', tenant: '', system: 'SIUD' },
    row: (_, nonce) => ({ user_id: uuidOf(nonce) }),
    touch: 'email',
  },
  api_keys: {
    ...{ member: '', ...kept },
    row: (tenant_id, nonce) => ({
      tenant_id,
      id: nonce,
      name: 'k',
      scopes: ['read'],
      secret_sha256: Buffer.alloc(32),
      created_by: 'x',
    }),
    touch: 'name',
  },
  runs: {
    ...{ member: 'S', ...kept },
    row: (tenant_id, nonce) => ({
      tenant_id,
      id: uuidOf(nonce),
      report: 'calls',
      request: '{}',
      requested_by: 'x',
    }),
    touch: 'days_done',
  },
  files: {
    ...{ member: 'S', ...kept },
    row: (tenant_id) => ({
      tenant_id,
      run_id: runOf(tenant_id),
      name: 'f',
      format: 'csv',
      media_type: 'text/csv',
      path: 'f',
      bytes: 1,
      sha256: 'x',
      row_count: 1,
      document: '{}',
    }),
    touch: 'name',
  },
  parts: {
    ...{ member: '', ...kept },
    row: (tenant_id, key) => ({
      tenant_id,
      path: key,
      key,
      kind: 'rows',
      dataset: 'calls',
      local_date: '2026-03-01',
      window_start: now,
      window_end: now,
      bytes: 1,
      manifest: '{}',
    }),
    touch: 'bytes',
  },
  part_pins: {
    ...{ member: '', ...kept },
    row: (tenant_id, path) => ({
      tenant_id,
      run_id: runOf(tenant_id),
      lease_token: 1,
      paths: [path],
    }),
    touch: 'paths',
  },
  part_totals: {
    ...{ member: '', ...kept },
    row: (tenant_id, key) => ({ tenant_id, key, rows_key: 'x', totals: '{}' }),
    touch: 'totals',
  },
  summary_uses: {
    ...{ member: '', ...kept },
    row: (tenant_id, key) => ({
      tenant_id,
      key,
      asked_on: '2026-03-01',
      form: '{}',
      period_from: '2026-03-01',
      period_to: '2026-03-01',
      uses: 1,
      last_asked_at: now,
    }),
    touch: 'uses',
  },
  days_ahead: {
    ...{ member: '', ...kept },
    row: (tenant_id, rows_key) => ({
      tenant_id,
      rows_key,
      dataset: rows_key,
      zone: '',
      local_date: '2026-03-01',
      forms: '[]',
      planned_at: now,
      looked_at: now,
    }),
    touch: 'looked_at',
  },
  schedules: {
    ...{ member: '', ...kept },
    row: (tenant_id, name) => ({
      tenant_id,
      name,
      owner: 'x',
      spec: '{}',
      zone: 'UTC',
    }),
    touch: 'name',
  },
  occurrences: {
    ...{ member: '', ...kept },
    row: (tenant_id, nominal) => ({
      tenant_id,
      nominal,
      schedule_id: scheduleOf(tenant_id),
      schedule_version: 1,
      spec: '{}',
      owner: 'x',
      zone: 'UTC',
      due_at: now,
      period_from: '2026-03-01',
      period_to: '2026-03-01',
    }),
    touch: 'reason',
  },
  report_files: {
    ...{ member: '', ...kept },
    row: (tenant_id, variant) => ({
      tenant_id,
      variant,
      occurrence_id: occurrenceOf(tenant_id),
      run_id: runOf(tenant_id),
      file_id: fileOf(tenant_id),
      request: '{}',
      subject: 'x',
      recipients: '[]',
      name: 'f',
      media_type: 'text/csv',
      bytes: 1,
      sha256: 'x',
      row_count: 1,
      revision: 1,
      day_keys: '[]',
      window_start: now,
      window_end: now,
      dataset: 'calls',
      retained_until: now,
    }),
    touch: 'name',
  },
  sealed_parts: {
    ...{ member: '', ...kept },
    row: (tenant_id, key) => ({ tenant_id, key, retained_until: now }),
    touch: 'retained_until',
  },
  deliveries: {
    ...{ member: '', ...kept },
    row: (tenant_id, recipient) => ({
      tenant_id,
      recipient,
      occurrence_id: occurrenceOf(tenant_id),
      recipient_kind: 'email',
      purpose: 'notice',
      topic: 'held',
    }),
    touch: 'state',
  },
  delivery_attempts: {
    ...{ member: '', ...kept },
    row: (tenant_id, nonce) => ({
      tenant_id,
      delivery_id: deliveryOf(tenant_id),
      attempt: Number.parseInt(nonce, 16) % 2 ** 31,
      lease_token: 1,
      message_id: nonce,
      via: 'x',
    }),
    touch: 'via',
  },
  suppressions: {
    ...{ member: '', ...kept },
    row: (tenant_id, recipient) => ({ tenant_id, recipient, reason: 'bounced' }),
    touch: 'detail',
  },
  download_links: {
    ...{ member: '', ...kept },
    row: (tenant_id, nonce) => ({
      tenant_id,
      delivery_id: deliveryOf(tenant_id),
      report_file_id: reportFileOf(tenant_id),
      token_sha256: Buffer.from(nonce.padStart(32, '0')),
      expires_at: now,
    }),
    touch: 'downloads',
  },
  delivery_settings: {
    ...{ member: '', ...kept },
    row: (tenant_id, changed_by) => ({ tenant_id, changed_by }),
    touch: 'link_days',
  },
  connectors: {
    ...{ member: '', tenant: 'SIUD', system: 'S' },
    row: (tenant_id, name) => ({
      tenant_id,
      name,
      spec: '{}',
      created_by: 'x',
      changed_by: 'x',
    }),
    touch: 'active',
  },
  connector_runs: {
    ...{ member: '', tenant: 'SIUD', system: 'S' },
    row: (tenant_id, requested_by) => ({
      tenant_id,
      requested_by,
      connector_id: connectorOf(tenant_id),
      cause: 'person',
      state: 'done',
      ended_at: now,
    }),
    touch: 'pages',
  },
  triggers: {
    ...{ member: '', tenant: 'SIUD', system: 'S' },
    row: (tenant_id, nonce) => ({
      tenant_id,
      name: 't',
      connector_id: connectorOf(tenant_id),
      token_sha256: Buffer.from(nonce.padStart(32, '0')),
      created_by: 'x',
    }),
    touch: 'fires',
  },
  idempotency_keys: {
    ...{ member: '', ...kept },
    row: (tenant_id, key) => ({ tenant_id, key, principal: 'x', request_sha256: 'x' }),
    touch: 'status',
  },
  leases: {
    ...{ member: '', tenant: '', system: 'SIUD' },
    row: (_, name) => ({ name, holder: 'x', until: now }),
    touch: 'holder',
  },
  calls: {
    ...{ member: 'S', ...ofReports },
    row: (tenant_id, external_id) => ({
      tenant_id,
      external_id,
      started_at: now,
      ended_at: now,
      disposition: 'answered',
    }),
    touch: 'agent',
  },
  order_lines: {
    ...{ member: 'S', ...ofReports },
    row: (tenant_id, order_id) => ({
      tenant_id,
      order_id,
      line_no: 1,
      ordered_at: now,
      sku: 'x',
      quantity: 1,
      unit_price: 1,
    }),
    touch: 'status',
  },
  data_hours: {
    ...{ member: '', ...kept },
    row: (tenant_id, dataset) => ({ tenant_id, dataset, hour: now, version: 1, row_count: 1 }),
    touch: 'version',
  },
  dataset_marks: {
    ...{ member: '', ...kept },
    row: (tenant_id, dataset) => ({ tenant_id, dataset, complete_through: now }),
    touch: 'complete_through',
  },
  sources: {
    ...{ member: '', ...kept },
    row: (tenant_id, nonce) => ({
      tenant_id,
      name: nonce,
      kind: 'postgres',
      settings: '{}',
      credentials: Buffer.alloc(32),
      key_id: 'x',
      reach: 'public',
      created_by: 'x',
    }),
    touch: 'name',
  },
  source_bindings: {
    ...{ member: '', ...kept },
    row: (tenant_id, reads_from) => ({
      tenant_id,
      reads_from,
      source_id: sourceOf(tenant_id),
      source_scope: tenant_id,
      dataset: 'calls',
      map: '{}',
      anchor_column: 'x',
      key_column: 'x',
      created_by: 'x',
    }),
    touch: 'key_column',
  },
  loads: {
    ...{ member: '', ...kept },
    row: (tenant_id, nonce) => ({
      tenant_id,
      id: uuidOf(nonce),
      dataset: 'calls',
      file_name: 'f',
      loaded: 1,
      updated: 0,
      unchanged: 0,
      rejected: 0,
      days: 1,
      requested_by: 'x',
    }),
    touch: 'file_name',
  },
  rejects: {
    ...{ member: '', ...ofReports },
    row: (tenant_id, nonce) => ({
      tenant_id,
      load_id: loadOf(tenant_id),
      dataset: 'calls',
      row_number: 1,
      code: 'E_INPUT',
      reason: 'x',
      raw: '{}',
      fingerprint: Buffer.from(nonce),
    }),
    touch: 'state',
  },
  ingest_keys: {
    ...{ member: '', tenant: 'SIU', system: 'S' },
    row: (tenant_id, nonce) => ingestKeyRowOf(tenant_id, nonce),
    touch: 'last_used_at',
  },
  ingest_batches: {
    ...{ member: '', tenant: 'SIU', system: 'SD' },
    row: (tenant_id, message_id) => ingestBatchRowOf(tenant_id, message_id),
    touch: 'state',
  },
  ingest_pieces: {
    ...{ member: '', tenant: 'SID', system: '' },
    row: (tenant_id, nonce) => ({
      tenant_id,
      batch_id: batchOf(tenant_id),
      piece_no: Number(nonce),
      bytes: Buffer.alloc(1),
    }),
    touch: 'bytes',
  },
  dataset_settings: {
    ...{ member: '', tenant: 'SI', system: '' },
    row: (tenant_id, dataset) => ({
      ...{ tenant_id, dataset, mirror_delete_share: 0.1, mirror_delete_rows: 20 },
      ...{ mirror_rejects: 0, known_skus: false, changed_by: 'x' },
    }),
    touch: 'changed_by',
  },
  snapshots: {
    ...{ member: '', tenant: 'SIU', system: 'SD' },
    row: (tenant_id) => snapshotRowOf(tenant_id),
    touch: 'refusal',
  },
  snapshot_parts: {
    ...{ member: '', tenant: 'SID', system: '' },
    row: (tenant_id, nonce) => ({ ...snapshotPartOf(tenant_id), part_no: Number(nonce) }),
    touch: 'row_count',
  },
  snapshot_pieces: {
    ...{ member: '', tenant: 'SI', system: '' },
    row: (tenant_id, nonce) => ({
      ...{ tenant_id, snapshot_id: snapshotOf(tenant_id), part_no: 0, piece_no: Number(nonce) },
      bytes: Buffer.alloc(1),
    }),
    touch: 'bytes',
  },
  call_legs: {
    ...{ member: '', tenant: 'SIUD', system: '' },
    row: (tenant_id, leg_id) => ({
      ...{ tenant_id, call_id: 'fixture', leg_id, leg_order: 1 },
      ...{ started_at: now, ended_at: now, disposition: 'answered' },
    }),
    touch: 'disposition',
  },
  payers: {
    ...{ ...ofMoney, tenant: 'SIU' },
    row: (tenant_id, key) => ({ tenant_id, key, kind: 'customer', title: 'T' }),
    touch: 'title',
  },
  rate_plans: {
    ...ofMoney,
    row: (tenant_id, name) => ({ tenant_id, name, currency: 'EUR' }),
    touch: 'currency',
  },
  rate_versions: {
    ...ofMoney,
    row: (tenant_id, nonce) => ({
      ...versionOf(tenant_id),
      valid_from: `2${nonce.slice(-3)}-01-01T00:00:00Z`,
    }),
    touch: 'file_name',
  },
  rates: {
    ...ofMoney,
    row: (tenant_id, prefix) => ({
      tenant_id,
      plan: 'fixture',
      valid_from: now,
      prefix,
      rate: '0.1',
    }),
    touch: 'description',
  },
  payer_rules: {
    ...ofMoney,
    row: (tenant_id, match_value) => ({
      tenant_id,
      match_by: 'trunk',
      match_value,
      created_by: 'x',
    }),
    touch: 'created_by',
  },
  plan_assignments: {
    ...ofMoney,
    row: (tenant_id, agent) => ({
      tenant_id,
      direction: 'agent',
      agent,
      plan: 'fixture',
      created_by: 'x',
    }),
    touch: 'created_by',
  },
  rate_changes: {
    ...{ member: '', tenant: 'SI', system: 'S' },
    row: (tenant_id, version) => ({ tenant_id, version, what: 'x', changed_by: 'x' }),
    touch: 'what',
  },
  charges: {
    ...ofMoney,
    row: (tenant_id, external_id) => ({
      tenant_id,
      external_id,
      started_at: now,
      billed_on: '2026-03-01',
      status: 'unrated',
      reason: 'no_rate',
      payer: 'x',
    }),
    touch: 'agent',
  },
  rated_hours: {
    ...{ ...ofMoney, system: 'S' },
    row: (tenant_id, nonce) => ({
      tenant_id,
      hour: `2${nonce.slice(-3)}-01-01T00:00:00Z`,
      calls_version: 1,
      rates_version: 1,
      unrated: 0,
    }),
    touch: 'unrated',
  },
  ratings: {
    ...ofMoney,
    row: (tenant_id, nonce) => ({
      tenant_id,
      id: uuidOf(nonce),
      kind: 'new',
      period_from: '2026-03-01',
      period_to: '2026-03-01',
      added: 1,
      changed: 0,
      removed: 0,
      unrated: 0,
      difference: '{}',
      requested_by: 'x',
    }),
    touch: 'unrated',
  },
  ledger_accounts: {
    ...{ ...ofMoney, tenant: 'SIU' },
    row: (tenant_id, payer) => ({ tenant_id, kind: 'payer', payer, currency: 'EUR' }),
    touch: 'low_balance',
  },
  ledger_entries: {
    ...{ ...ofMoney, tenant: 'SI' },
    row: (tenant_id, source) => ({
      tenant_id,
      source,
      kind: 'credit',
      effective_at: now,
      booked_on: '2026-03-01',
      account_id: payerAccountOf(tenant_id),
      contra_id: revenueAccountOf(tenant_id),
      payer: 'fixture',
      currency: 'EUR',
      amount: '1',
      posted_by: 'x',
    }),
    touch: 'note',
  },
  period_locks: {
    ...{ ...ofMoney, tenant: 'SIU' },
    row: (tenant_id) => ({
      tenant_id,
      from_date: '2020-01-01',
      to_date: '2020-01-31',
      reason: 'x',
      locked_by: 'x',
    }),
    touch: 'released_by',
  },
  ledger_notices: {
    ...{ ...ofMoney, tenant: 'SI' },
    row: (tenant_id) => ({
      tenant_id,
      account_id: payerAccountOf(tenant_id),
      balance: '1',
      low_balance: '2',
    }),
    touch: 'balance',
  },
  carrier_calls: {
    ...ofMoney,
    row: (tenant_id, row_key) => ({
      ...{ tenant_id, row_key, started_at: now, callee: '49', billed_seconds: 1, amount: '1' },
    }),
    touch: 'trunk',
  },
  carrier_files: {
    ...{ ...ofMoney, tenant: 'SI', system: 'S' },
    row: (tenant_id) => ({
      ...{ tenant_id, name: 'c.csv', path: 'files/c', bytes: 1, sha256: 'x', request: '{}' },
      uploaded_by: 'x',
    }),
    touch: 'name',
  },
  low_balance_mails: {
    ...{ ...ofMoney, tenant: 'SIU', system: 'SU' },
    row: (tenant_id, nonce) => ({
      ...{ tenant_id, notice_key: noticeOf(tenant_id), recipient: `${nonce}@example.com` },
      audience: 'member',
    }),
    touch: 'last_reply',
  },
  reconciliations: {
    ...{ ...ofMoney, tenant: 'SIU' },
    row: (tenant_id) => reconciliationRowOf(tenant_id),
    touch: 'signed_off_by',
  },
  reconciliation_lines: {
    ...{ ...ofMoney, tenant: 'SIU' },
    row: (tenant_id, nonce) => ({
      tenant_id,
      reconciliation_id: reconciliationOf(tenant_id),
      line_no: Number(nonce),
      class: 'only_ours',
      amount: '1',
      explains: '-1',
    }),
    touch: 'changed_by',
  },
  reconciliation_notes: {
    ...{ ...ofMoney, tenant: 'SI' },
    row: (tenant_id) => ({
      tenant_id,
      reconciliation_id: reconciliationOf(tenant_id),
      kind: 'note',
      note: 'x',
      written_by: 'x',
    }),
    touch: 'note',
  },
  customers: {
    ...{ ...ofMoney, tenant: 'SIU' },
    row: (tenant_id, key) => ({ tenant_id, key, title: 'T', state: 'active', created_by: 'x' }),
    touch: 'title',
  },
  products: {
    ...{ ...ofMoney, tenant: 'SIU' },
    row: (tenant_id, sku) => ({ ...productOf(tenant_id), sku }),
    touch: 'title',
  },
  discount_policies: {
    ...{ ...ofMoney, tenant: 'SIU' },
    row: (tenant_id, key) => ({
      tenant_id,
      key,
      title: 'T',
      kind: 'percent',
      value: '1',
      limit_percent: '1',
      grants: '{}',
      changed_by: 'x',
    }),
    touch: 'title',
  },
  proposals: {
    ...{ ...ofMoney, tenant: 'SIU' },
    row: (tenant_id, id) => ({ ...proposalOf(tenant_id), id }),
    touch: 'title',
  },
  proposal_lines: {
    ...ofMoney,
    row: (tenant_id, nonce) => ({ ...proposalLineOf(tenant_id), line_no: Number(nonce) + 1 }),
    touch: 'description',
  },
  customer_products: {
    ...{ ...ofMoney, tenant: 'SI' },
    row: (tenant_id, nonce) => ({
      tenant_id,
      proposal_id: 'fixture',
      line_no: Number(nonce),
      customer: 'fixture',
      sku: 'fixture',
      quantity: '1',
    }),
    touch: 'sku',
  },
  licences: {
    ...{ ...ofMoney, tenant: 'SIU' },
    row: (tenant_id) => ({
      tenant_id,
      customer: 'fixture',
      sku: 'fixture',
      seats: '1',
      valid_from: now,
      granted_by: 'x',
    }),
    touch: 'granted_by',
  },
};

/** Views are read with the rights of who asks (`security_invoker`). */
export const VIEWS: readonly string[] = ['completeness'];

/** Functions, and which roles may call them besides their owner and service_role. */
export const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  claimed_tenant_id: ['authenticated', 'daybook_tenant'],
  claimed_user_id: ['authenticated'],
  member_tenant_id: ['authenticated'],
  note_changed_hours: ['daybook_tenant'],
  version_after: ['daybook_system', 'daybook_tenant'],
  refuse_locked_days: ['daybook_tenant'],
  await_writers: ['daybook_tenant'],
  keep_balances: ['daybook_tenant'],
  refuse_change: ['daybook_tenant'],
  owe_low_balance_mails: ['daybook_tenant'],
};

export const SEQUENCES: readonly string[] = [
  'dataset_settings_id_seq',
  'ingest_batches_seq_seq',
  'ledger_notices_id_seq',
  'reconciliation_notes_id_seq',
  'rejects_id_seq',
];
