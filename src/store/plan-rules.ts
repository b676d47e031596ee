import { DIRECTIONS_OF_PLANS, type PlanDirection } from '../billing/rate-plan.ts';
import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';
import { requirePayer } from './payers.ts';
import { noteRateChange } from './rate-changes.ts';
import { requirePlan } from './rate-plans.ts';

/** Which payer calls are billed to, and which plan they are rated by; within a tenant. */

export interface StoredPayerRule {
  readonly id: string;
  readonly matchBy: 'number' | 'trunk' | 'agent';
  readonly matchValue: string;
  /** Null: from the beginning. */
  readonly validFrom: Date | null;
  /** Key of the payer; null: the tenant again. */
  readonly payer: string | null;
  readonly createdBy: string;
}

export interface StoredAssignment {
  readonly id: string;
  /** Null: any payer. */
  readonly payer: string | null;
  readonly direction: PlanDirection;
  readonly agent: string | null;
  readonly validFrom: Date | null;
  readonly plan: string;
  readonly createdBy: string;
}

interface By {
  readonly tenantId: string;
  readonly changedBy: string;
}

const MATCHES = ['number', 'trunk', 'agent'] as const;
/** Null for -infinity. */
const VALID_FROM = `nullif(valid_from, '-infinity') as "validFrom"`;
const RULE = `id, match_by as "matchBy", match_value as "matchValue", ${VALID_FROM}, payer,
  created_by as "createdBy"`;
const ASSIGNMENT = `id, payer, direction, agent, ${VALID_FROM}, plan, created_by as "createdBy"`;

export async function listPayerRules(tx: Tx, tenantId: string): Promise<StoredPayerRule[]> {
  return tx.query<StoredPayerRule>(
    `select ${RULE} from daybook.payer_rules where tenant_id = $1
     order by match_by, match_value, valid_from, id`,
    [tenantId],
  );
}

/** Adds a rule; one for the same thing from the same instant gives way. @throws DaybookError */
export async function putPayerRule(
  tx: Tx,
  rule: Omit<StoredPayerRule, 'id' | 'createdBy' | 'matchBy'> & { readonly matchBy: string } & By,
): Promise<StoredPayerRule> {
  const matchBy = oneOf('match_by', rule.matchBy, MATCHES);
  // Numbers are compared by their digits, so that is how they are kept.
  const bare = matchBy === 'number' ? rule.matchValue.replace(/\D/g, '') : rule.matchValue.trim();
  const value = textOf('match_value', bare);
  if (rule.payer !== null) await requirePayer(tx, rule.tenantId, rule.payer);
  const [put] = await tx.query<StoredPayerRule>(
    `insert into daybook.payer_rules
       (tenant_id, match_by, match_value, valid_from, payer, created_by)
     values ($1, $2, $3, coalesce($4::timestamptz, '-infinity'), $5, $6)
     on conflict (tenant_id, match_by, match_value, valid_from) do update
     set payer = excluded.payer, created_by = excluded.created_by, created_at = now()
     returning ${RULE}`,
    [rule.tenantId, matchBy, value, rule.validFrom, rule.payer, rule.changedBy],
  );
  await noteRateChange(tx, { ...rule, what: `the payer of ${matchBy} ${value}` });
  return put;
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function removePayerRule(tx: Tx, rule: { readonly id: string } & By): Promise<void> {
  const removed = await tx.run('delete from daybook.payer_rules where tenant_id = $1 and id = $2', [
    rule.tenantId,
    rule.id,
  ]);
  if (removed === 0) throw new DaybookError('E_NOT_FOUND', { what: 'payer rule', got: rule.id });
  await noteRateChange(tx, { ...rule, what: `no payer rule ${rule.id} any more` });
}

export async function listAssignments(tx: Tx, tenantId: string): Promise<StoredAssignment[]> {
  return tx.query<StoredAssignment>(
    `select ${ASSIGNMENT} from daybook.plan_assignments where tenant_id = $1
     order by direction, payer nulls first, agent nulls first, valid_from, id`,
    [tenantId],
  );
}

/** Adds an assignment; one for the same from the same instant gives way. @throws DaybookError */
export async function putAssignment(
  tx: Tx,
  assignment: Omit<StoredAssignment, 'id' | 'createdBy' | 'direction'> & {
    readonly direction: string;
  } & By,
): Promise<StoredAssignment> {
  const direction = oneOf('direction', assignment.direction, DIRECTIONS_OF_PLANS);
  const agent = assignment.agent === null ? null : textOf('agent', assignment.agent.trim());
  if (agent !== null && direction !== 'agent') {
    const got = JSON.stringify(agent);
    const expected = 'none, unless the direction is agent';
    throw new DaybookError('E_INVALID', { where: 'agent', got, expected });
  }
  if (assignment.payer !== null) await requirePayer(tx, assignment.tenantId, assignment.payer);
  const { name } = await requirePlan(tx, assignment.tenantId, assignment.plan);
  const [put] = await tx.query<StoredAssignment>(
    `insert into daybook.plan_assignments
       (tenant_id, payer, direction, agent, valid_from, plan, created_by)
     values ($1, $2, $3, $4, coalesce($5::timestamptz, '-infinity'), $6, $7)
     on conflict (tenant_id, payer, direction, agent, valid_from) do update
     set plan = excluded.plan, created_by = excluded.created_by, created_at = now()
     returning ${ASSIGNMENT}`,
    [
      assignment.tenantId,
      assignment.payer,
      direction,
      agent,
      assignment.validFrom,
      name,
      assignment.changedBy,
    ],
  );
  await noteRateChange(tx, { ...assignment, what: `the plan ${name} for ${direction} calls` });
  return put;
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function removeAssignment(
  tx: Tx,
  assignment: { readonly id: string } & By,
): Promise<void> {
  const removed = await tx.run(
    'delete from daybook.plan_assignments where tenant_id = $1 and id = $2',
    [assignment.tenantId, assignment.id],
  );
  if (removed === 0) {
    throw new DaybookError('E_NOT_FOUND', { what: 'assignment', got: assignment.id });
  }
  await noteRateChange(tx, { ...assignment, what: `no assignment ${assignment.id} any more` });
}

function textOf(where: string, text: string): string {
  if (text !== '' && text.length <= 200 && !/\p{Cc}/u.test(text)) return text;
  throw new DaybookError('E_INVALID', {
    where,
    got: JSON.stringify(text.slice(0, 200)),
    expected: '1 to 200 characters, none of them a control character',
  });
}

function oneOf<T extends string>(where: string, got: string, of: readonly T[]): T {
  const known = of.find((each) => each === got);
  if (known) return known;
  const expected = `one of ${of.join(', ')}`;
  throw new DaybookError('E_INVALID', { where, got: JSON.stringify(got.slice(0, 100)), expected });
}
