import { describe, expect, it } from 'vitest';
import {
  ACTIONS,
  type Action,
  demand,
  may,
  parseScopes,
  SCOPES,
  type Scope,
  scopesBeyond,
} from '../../src/principals/permissions.ts';
import {
  type Principal,
  principalName,
  ROLES,
  type Role,
  worksOn,
} from '../../src/principals/principal.ts';

const member = (...roles: Role[]): Principal => ({
  kind: 'member',
  userId: 'u1',
  tenantId: 't1',
  roles,
});
const key = (tenantId: string | null, ...scopes: Scope[]): Principal => ({
  kind: 'key',
  keyId: 'k1',
  tenantId,
  scopes,
});
const operator: Principal = { kind: 'operator', userId: 'o1' };

const READS_MONEY = ['charges.read', 'ledger.read', 'reconciliations.read', 'sales.read'] as const;

/** Written out a second time, on purpose: a right changes only when both places are changed. */
const EXPECTED: Record<string, { principal: Principal; may: readonly Action[] }> = {
  viewer: {
    principal: member('viewer'),
    may: [
      'reports.read',
      'exports.read',
      'runs.read',
      'schedules.read',
      'deliveries.read',
      'members.read',
    ],
  },
  analyst: {
    principal: member('analyst'),
    may: [
      'reports.read',
      'exports.create',
      'exports.read',
      'exports.cancel',
      'runs.read',
      'schedules.read',
      'schedules.manage',
      'deliveries.read',
      'deliveries.send',
      'connectors.read',
      'ingest.read',
      'rejects.read',
      'rates.read',
      'charges.read',
      'ledger.read',
      'reconciliations.read',
      'reconciliations.create',
      'reconciliations.settle',
      'sales.read',
      'sales.write',
      'members.read',
    ],
  },
  admin: {
    principal: member('admin'),
    may: ACTIONS.filter((action) => !['tenants.manage', 'periods.unlock'].includes(action)),
  },
  owner: {
    principal: member('owner'),
    may: ACTIONS.filter((action) => action !== 'tenants.manage'),
  },
  'member without roles': { principal: member(), may: [] },
  'key: read': {
    principal: key('t1', 'read'),
    may: [
      'reports.read',
      'exports.create',
      'exports.read',
      'runs.read',
      'schedules.read',
      'deliveries.read',
      ...READS_MONEY,
    ],
  },
  'key: load': {
    principal: key('t1', 'load'),
    may: ['data.load', 'ingest.read', 'rejects.read', 'rejects.retry'],
  },
  'key: admin': {
    principal: key('t1', 'admin'),
    may: ACTIONS.filter(
      (action) => !['tenants.manage', 'periods.unlock', 'proposals.approve'].includes(action),
    ),
  },
  'key of a tenant with the operator’s action': {
    principal: key('t1', 'tenants.manage'),
    may: [],
  },
  'key without scopes': { principal: key(null), may: [] },
  'key without a tenant: read': {
    principal: key(null, 'read'),
    may: [
      'reports.read',
      'exports.create',
      'exports.read',
      'runs.read',
      'schedules.read',
      'deliveries.read',
      ...READS_MONEY,
    ],
  },
  'key without a tenant: admin': { principal: key(null, 'admin'), may: ACTIONS },
  'key without a tenant: tenants.manage': {
    principal: key(null, 'tenants.manage'),
    may: ['tenants.manage'],
  },
  operator: { principal: operator, may: ACTIONS },
};

describe('the permission table', () => {
  it.each(Object.entries(EXPECTED))('gives %s exactly its actions', (_, expected) => {
    expect(ACTIONS.filter((action) => may(expected.principal, action))).toEqual(
      ACTIONS.filter((action) => expected.may.includes(action)),
    );
  });

  it.each(ACTIONS.filter((action) => action !== 'tenants.manage'))(
    'lets a key with the single scope %s do that and nothing else',
    (scope) => {
      expect(ACTIONS.filter((action) => may(key('t1', scope), action))).toEqual([scope]);
    },
  );

  it('adds up roles and scopes', () => {
    expect(may(member('viewer', 'analyst'), 'exports.create')).toBe(true);
    expect(may(key('t1', 'load', 'runs.read'), 'runs.read')).toBe(true);
  });

  it('grants nothing for an action or a role that only the prototype knows', () => {
    expect(may(operator, 'toString' as Action)).toBe(false);
    expect(may(member('constructor' as Role), 'runs.read')).toBe(false);
  });
});

describe('demand', () => {
  it('names who, the action and what it needs', () => {
    expect(() => demand(member('viewer'), 'exports.create')).toThrow(
      'member:u1 may not exports.create; it needs the role owner or admin or analyst',
    );
    expect(() => demand(key('t1', 'load'), 'exports.create')).toThrow(
      'key:k1 may not exports.create; it needs the scope read or admin or exports.create',
    );
    expect(() => demand(member('owner'), 'tenants.manage')).toThrow('it needs an operator');
  });
});

describe('scopes', () => {
  it('come back once each, whatever was repeated', () => {
    expect(parseScopes(['runs.read', 'read', 'read'], 't1')).toEqual(['read', 'runs.read']);
  });

  it.each([
    [[], 'none'],
    [['write'], '"write"'],
    [['tenants.manage'], '"tenants.manage"'],
  ])('of a tenant’s key are refused when they are %j', (scopes, got) => {
    expect(() => parseScopes(scopes, 't1')).toThrow(`scopes: got ${got}; expected one or more of`);
  });

  it('that a principal may hand on are those of its own actions', () => {
    expect(
      scopesBeyond(
        member('owner'),
        SCOPES.filter((s) => s !== 'tenants.manage'),
        't1',
      ),
    ).toEqual([]);
    expect(scopesBeyond(key('t1', 'read', 'keys.manage'), ['read', 'load'], 't1')).toEqual([
      'load',
    ]);
    expect(scopesBeyond(member('owner'), ['admin'], null)).toEqual(['admin']);
  });
});

describe('a principal', () => {
  it('is named by its kind and id', () => {
    expect([member('owner'), key('t1', 'read'), operator].map(principalName)).toEqual([
      'member:u1',
      'key:k1',
      'operator:o1',
    ]);
  });

  it.each(ROLES)('that is %s of one tenant does not work on another', (role) => {
    expect(worksOn(member(role), 't1')).toBe(true);
    expect(worksOn(member(role), 't2')).toBe(false);
    expect(worksOn(key('t1', 'admin'), 't2')).toBe(false);
    expect(worksOn(key(null, 'read'), 't2')).toBe(true);
    expect(worksOn(operator, 't2')).toBe(true);
  });
});
