import { DaybookError } from '../errors.ts';
import { type Principal, principalName, ROLES, type Role } from './principal.ts';

/** The one permission table: what each role, key preset and operator may do. */

/** Sets of actions that a key may be given by one word. */
export const PRESETS = ['read', 'load', 'admin'] as const;
export type Preset = (typeof PRESETS)[number];

/** A preset and a role may bear one name; their columns may not. */
type Column = Role | `key:${Preset}` | 'operator';
const COLUMNS: readonly Column[] = [
  ...ROLES,
  ...PRESETS.map((preset) => `key:${preset}` as const),
  'operator',
];

const Y = true;
const n = false;
// biome-ignore format: it is a table
const TABLE = {
  //                 owner admin analyst viewer | key: read load admin | operator
  'reports.read':    [Y,   Y,    Y,      Y,            Y,   n,   Y,      Y],
  'exports.create':  [Y,   Y,    Y,      n,            Y,   n,   Y,      Y],
  'exports.read':    [Y,   Y,    Y,      Y,            Y,   n,   Y,      Y],
  'exports.cancel':  [Y,   Y,    Y,      n,            n,   n,   Y,      Y],
  'runs.read':       [Y,   Y,    Y,      Y,            Y,   n,   Y,      Y],
  'schedules.read':  [Y,   Y,    Y,      Y,            Y,   n,   Y,      Y],
  'schedules.manage':[Y,   Y,    Y,      n,            n,   n,   Y,      Y],
  'deliveries.read': [Y,   Y,    Y,      Y,            Y,   n,   Y,      Y],
  'deliveries.send': [Y,   Y,    Y,      n,            n,   n,   Y,      Y],
  'deliveries.manage':[Y,  Y,    n,      n,            n,   n,   Y,      Y],
  'data.load':       [Y,   Y,    n,      n,            n,   Y,   Y,      Y],
  'connectors.read': [Y,   Y,    Y,      n,            n,   n,   Y,      Y],
  // With secrets of other systems, and what they load.
  'connectors.manage':
                     [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  // Leave for one mirror to delete beyond its limits, and these limits themselves.
  'mirror.override': [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'ingest.read':     [Y,   Y,    Y,      n,            n,   Y,   Y,      Y],
  'rejects.read':    [Y,   Y,    Y,      n,            n,   Y,   Y,      Y],
  'rejects.retry':   [Y,   Y,    n,      n,            n,   Y,   Y,      Y],
  'sources.read':    [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'sources.manage':  [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'rates.read':      [Y,   Y,    Y,      n,            n,   n,   Y,      Y],
  'rates.manage':    [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'charges.read':    [Y,   Y,    Y,      n,            Y,   n,   Y,      Y],
  'ledger.read':     [Y,   Y,    Y,      n,            Y,   n,   Y,      Y],
  'ledger.post':     [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'periods.lock':    [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'periods.unlock':  [Y,   n,    n,      n,            n,   n,   n,      Y],
  'reconciliations.read':
                     [Y,   Y,    Y,      n,            Y,   n,   Y,      Y],
  // Uploads, runs, schedules of them.
  'reconciliations.create':
                     [Y,   Y,    Y,      n,            n,   n,   Y,      Y],
  // Notes, disputes.
  'reconciliations.settle':
                     [Y,   Y,    Y,      n,            n,   n,   Y,      Y],
  // Locks the period; `periods.unlock` takes it back.
  'reconciliations.sign_off':
                     [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'sales.read':      [Y,   Y,    Y,      n,            Y,   n,   Y,      Y],
  // Customers, products, licences; proposals until they are sent.
  'sales.write':     [Y,   Y,    Y,      n,            n,   n,   Y,      Y],
  // Policies say who may grant how much.
  'discounts.manage':[Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'proposals.approve':
                     [Y,   Y,    n,      n,            n,   n,   n,      Y],
  'keys.read':       [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'keys.manage':     [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'members.read':    [Y,   Y,    Y,      Y,            n,   n,   Y,      Y],
  'members.manage':  [Y,   Y,    n,      n,            n,   n,   Y,      Y],
  'tenants.manage':  [n,   n,    n,      n,            n,   n,   n,      Y],
} as const satisfies Record<string, readonly boolean[]>;

export type Action = keyof typeof TABLE;
export const ACTIONS = Object.keys(TABLE) as readonly Action[];

/** What a key may be given: single actions or presets. */
export type Scope = Action | Preset;
export const SCOPES: readonly Scope[] = [...PRESETS, ...ACTIONS];
/** Those that the key of a tenant can have. */
export const TENANT_SCOPES: readonly Scope[] = SCOPES.filter(
  (scope) => isPreset(scope) || !isOperatorsAlone(scope),
);

/**
 * Whether a principal may do this, within the tenants that it works on (see `worksOn`). Several
 * roles or scopes add up. A key without a tenant that has the scope `admin` may do what an
 * operator may; a tenant's key never does what is the operator's alone.
 */
export function may(principal: Principal, action: Action): boolean {
  switch (principal.kind) {
    case 'operator':
      return allows('operator', action);
    case 'member':
      return principal.roles.some((role) => allows(role, action));
    case 'key':
      return principal.scopes.some((scope) => scopeAllows(scope, action, principal.tenantId));
  }
}

/** Reports that take more than exports do: who may have them made, and who may read them. */
const OF_REPORT: Readonly<Record<string, { readonly create: Action; readonly read: Action }>> = {
  reconciliation: { create: 'reconciliations.create', read: 'reconciliations.read' },
};

/**
 * Whether a report may be made and go out in the name of an owner, and be downloaded by its
 * recipients.
 */
export function maySendReports(owner: Principal | undefined, report: string): boolean {
  const more = OF_REPORT[report]?.create;
  return (
    owner !== undefined &&
    may(owner, 'schedules.manage') &&
    may(owner, 'exports.create') &&
    (more === undefined || may(owner, more))
  );
}

/**
 * What a report takes besides the right to exports.
 * @throws DaybookError `E_FORBIDDEN`
 */
export function demandReport(principal: Principal, report: string, to: 'create' | 'read'): void {
  const more = OF_REPORT[report]?.[to];
  if (more !== undefined) demand(principal, more);
}

/** @throws DaybookError `E_FORBIDDEN` that names who, the action and what it needs. */
export function demand(principal: Principal, action: Action): void {
  if (may(principal, action)) return;
  throw new DaybookError('E_FORBIDDEN', {
    who: principalName(principal),
    action,
    expected: neededFor(principal, action),
  });
}

/** The scopes of which a principal may not do every action itself, so may not hand on. */
export function scopesBeyond(
  principal: Principal,
  scopes: readonly Scope[],
  tenantId: string | null,
): Scope[] {
  return scopes.filter((scope) =>
    ACTIONS.some((action) => scopeAllows(scope, action, tenantId) && !may(principal, action)),
  );
}

/**
 * Scopes as a key may bear them, without repetitions.
 * @throws DaybookError `E_INVALID` for none, an unknown one, or the operator's own action on a
 * key of a tenant.
 */
export function parseScopes(scopes: readonly string[], tenantId: string | null): Scope[] {
  const possible = tenantId === null ? SCOPES : TENANT_SCOPES;
  const unknown = scopes.find((scope) => !possible.some((each) => each === scope));
  if (unknown === undefined && scopes.length > 0) {
    return possible.filter((scope) => scopes.includes(scope));
  }
  throw new DaybookError('E_INVALID', {
    where: 'scopes',
    got: unknown === undefined ? 'none' : JSON.stringify(unknown),
    expected: `one or more of ${possible.join(', ')}`,
  });
}

function allows(column: Column, action: Action): boolean {
  return TABLE[action]?.[COLUMNS.indexOf(column)] ?? false;
}

function scopeAllows(scope: Scope, action: Action, tenantId: string | null): boolean {
  if (tenantId !== null && isOperatorsAlone(action)) return false;
  if (!isPreset(scope)) return scope === action;
  return allows(scope === 'admin' && tenantId === null ? 'operator' : `key:${scope}`, action);
}

function isPreset(scope: Scope): scope is Preset {
  return PRESETS.some((preset) => preset === scope);
}

function isOperatorsAlone(action: Action): boolean {
  return COLUMNS.every((column) => allows(column, action) === (column === 'operator'));
}

function neededFor(principal: Principal, action: Action): string {
  if (isOperatorsAlone(action)) return 'an operator';
  if (principal.kind !== 'key') {
    return `the role ${ROLES.filter((role) => allows(role, action)).join(' or ')}`;
  }
  const presets = PRESETS.filter((preset) => allows(`key:${preset}`, action));
  return `the scope ${[...presets, action].join(' or ')}`;
}
