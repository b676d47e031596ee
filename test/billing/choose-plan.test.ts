import { describe, expect, it } from 'vitest';
import { type CallParties, planChooser } from '../../src/billing/choose-plan.ts';

const call = (more: Partial<CallParties>): CallParties => ({
  startedAt: 1000,
  direction: 'outbound',
  caller: '+1 212 555 0100',
  callee: '+44 20 7946 0000',
  agent: null,
  trunk: null,
  ...more,
});
const always = Number.NEGATIVE_INFINITY;
const plans = [
  { name: 'out', direction: 'outbound' },
  { name: 'in', direction: 'inbound' },
  { name: 'in too', direction: 'inbound' },
] as const;

describe('the payer', () => {
  const choose = planChooser({
    ownPayer: 'us',
    plans,
    assignments: [],
    rules: [
      { by: 'number', value: '12125550100', validFrom: always, payer: 'number' },
      { by: 'number', value: '12125550100', validFrom: 2000, payer: null },
      { by: 'trunk', value: 't1', validFrom: always, payer: 'trunk' },
      { by: 'agent', value: 'a1', validFrom: always, payer: 'agent' },
    ],
  });

  it('is that of the agent, else of the number, else of the trunk, else the tenant', () => {
    const t1 = { trunk: 't1' };
    expect(choose(call({ agent: 'a1', ...t1 })).payer).toBe('agent');
    expect(choose(call({ agent: 'a2', ...t1 })).payer).toBe('number');
    expect(choose(call({ caller: '1', ...t1 })).payer).toBe('trunk');
    expect(choose(call({ caller: '1' })).payer).toBe('us');
  });

  it('changes at the instant that its rule says', () => {
    expect(choose(call({ startedAt: 1999 })).payer).toBe('number');
    expect(choose(call({ startedAt: 2000 })).payer).toBe('us');
  });

  it('of an inbound call is that of the number that was called', () => {
    expect(choose(call({ direction: 'inbound' })).payer).toBe('us');
    const answered = call({ direction: 'inbound', callee: '(1) 212-555-0100' });
    expect(choose(answered).payer).toBe('number');
  });
});

describe('the plan', () => {
  it('is the only one for the direction where none is assigned, and else nobody guesses', () => {
    const choose = planChooser({ ownPayer: 'us', plans, assignments: [], rules: [] });
    expect(choose(call({})).plan).toEqual({ name: 'out' });
    expect(choose(call({ direction: 'inbound' })).plan).toEqual({ reason: 'several_plans' });
    expect(choose(call({ direction: 'internal' })).plan).toEqual({ reason: 'no_plan' });
    expect(choose(call({ direction: null })).plan).toEqual({ reason: 'no_direction' });
  });

  it('is the most special one that is assigned at the start of the call', () => {
    const choose = planChooser({
      ownPayer: 'us',
      plans,
      rules: [{ by: 'trunk', value: 't1', validFrom: always, payer: 'them' }],
      assignments: [
        { payer: null, direction: 'inbound', agent: null, validFrom: always, plan: 'in' },
        { payer: 'them', direction: 'inbound', agent: null, validFrom: 500, plan: 'theirs' },
        { payer: null, direction: 'agent', agent: 'bot', validFrom: always, plan: 'bots' },
      ],
    });
    const plan = (more: Partial<CallParties>) =>
      choose(call({ direction: 'inbound', ...more })).plan;
    expect(plan({})).toEqual({ name: 'in' });
    expect(plan({ trunk: 't1' })).toEqual({ name: 'theirs' });
    expect(plan({ trunk: 't1', startedAt: 499 })).toEqual({ name: 'in' });
    expect(plan({ trunk: 't1', agent: 'bot' })).toEqual({ name: 'bots' });
    expect(plan({ agent: 'bot', direction: null })).toEqual({ name: 'bots' });
    expect(plan({ agent: 'human' })).toEqual({ name: 'in' });
  });
});
