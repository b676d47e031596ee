import { digitsOf } from './prefix-index.ts';
import type { PlanDirection } from './rate-plan.ts';

/** Which payer a call is billed to, and which plan it is rated by. */

/** From an instant on, until the next rule for the same thing. */
export interface PayerRule {
  /** `number`: the caller of an outbound call, the callee of any other; compared by its digits. */
  readonly by: 'number' | 'trunk' | 'agent';
  readonly value: string;
  /** UTC epoch ms; -Infinity: always. */
  readonly validFrom: number;
  /** Null: the tenant itself again. */
  readonly payer: string | null;
}

/** From an instant on, until the next assignment for the same payer, direction and agent. */
export interface PlanAssignment {
  /** Null: any payer. */
  readonly payer: string | null;
  readonly direction: PlanDirection;
  /** With direction `agent`; null: any agent. */
  readonly agent: string | null;
  readonly validFrom: number;
  readonly plan: string;
}

export interface CallParties {
  readonly startedAt: number;
  /** Null: not known. */
  readonly direction: string | null;
  readonly caller: string | null;
  readonly callee: string | null;
  readonly agent: string | null;
  readonly trunk: string | null;
}

export interface PlanChoice {
  readonly payer: string;
  readonly plan:
    | { readonly name: string }
    | { readonly reason: 'no_direction' | 'no_plan' | 'several_plans' };
}

/**
 * Chooses for each call: the payer by its agent, else its number, else its trunk, else the tenant
 * itself. The plan by, in this order: the agent, for this payer and then for any; an agent plan for
 * any agent, likewise; the direction, likewise; and where nothing is assigned, the only plan that
 * there is for that direction.
 */
export function planChooser(book: {
  readonly ownPayer: string;
  readonly rules: readonly PayerRule[];
  readonly assignments: readonly PlanAssignment[];
  readonly plans: readonly { readonly name: string; readonly direction: PlanDirection }[];
}): (call: CallParties) => PlanChoice {
  const payers = new Timelines(
    book.rules.map(({ by, value, validFrom, payer }) => ({
      key: payerKey(by, by === 'number' ? digitsOf(value) : value),
      validFrom,
      value: payer,
    })),
  );
  const assigned = new Timelines(
    book.assignments.map(({ payer, direction, agent, validFrom, plan }) => ({
      key: planKey(payer, direction, agent),
      validFrom,
      value: plan,
    })),
  );
  const agentPlans = book.assignments.some(({ direction }) => direction === 'agent');
  const only = new Map<string, string | null>();
  for (const { name, direction } of book.plans) {
    only.set(direction, only.has(direction) ? null : name);
  }

  const payerOf = (call: CallParties): string => {
    if (payers.isEmpty) return book.ownPayer;
    const number = call.direction === 'outbound' ? call.caller : call.callee;
    const rules: [PayerRule['by'], string | null][] = [
      ['agent', call.agent],
      ['number', number === null ? null : digitsOf(number)],
      ['trunk', call.trunk],
    ];
    for (const [by, value] of rules) {
      const payer = value === null ? null : payers.at(payerKey(by, value), call.startedAt);
      if (payer !== null) return payer;
    }
    return book.ownPayer;
  };

  const planOf = (call: CallParties, payer: string): PlanChoice['plan'] => {
    const find = (direction: string, agent: string | null) =>
      assigned.at(planKey(payer, direction, agent), call.startedAt) ??
      assigned.at(planKey(null, direction, agent), call.startedAt);
    if (agentPlans && call.agent !== null) {
      const name = find('agent', call.agent) ?? find('agent', null);
      if (name !== null) return { name };
    }
    const { direction } = call;
    if (direction === null) return { reason: 'no_direction' };
    const name = assigned.isEmpty ? null : find(direction, null);
    if (name !== null) return { name };
    const single = only.get(direction);
    if (single === undefined) return { reason: 'no_plan' };
    return single === null ? { reason: 'several_plans' } : { name: single };
  };

  return (call) => {
    const payer = payerOf(call);
    return { payer, plan: planOf(call, payer) };
  };
}

/** Values by key that change at instants. */
class Timelines {
  readonly #byKey = new Map<string, { validFrom: number; value: string | null }[]>();

  constructor(entries: readonly { key: string; validFrom: number; value: string | null }[]) {
    for (const { key, validFrom, value } of entries) {
      const line = this.#byKey.get(key) ?? [];
      line.push({ validFrom, value });
      this.#byKey.set(key, line);
    }
    for (const line of this.#byKey.values()) line.sort((a, b) => b.validFrom - a.validFrom);
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** Null: nothing is valid at that instant, or what is valid says null. */
  at(key: string, instantMs: number): string | null {
    const line = this.#byKey.get(key);
    return line?.find(({ validFrom }) => validFrom <= instantMs)?.value ?? null;
  }
}

function payerKey(by: string, value: string): string {
  return `${by} ${value}`;
}

function planKey(payer: string | null, direction: string, agent: string | null): string {
  return `${direction}\n${payer ?? ''}\n${agent ?? ''}`;
}
