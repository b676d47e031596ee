import { describe, expect, it } from 'vitest';
import {
  moveProposal,
  PROPOSAL_MOVES,
  PROPOSAL_STATES,
  type ProposalMove,
  type ProposalState,
  stateOn,
} from '../../src/sales/proposal-moves.ts';

const LAST = '2026-03-31';
const MOVES = Object.keys(PROPOSAL_MOVES) as ProposalMove[];

/** Written out a second time, on purpose. */
const ALLOWED: Readonly<Record<string, ProposalState>> = {
  'draft edit': 'draft',
  'draft send': 'sent',
  'sent approve': 'approved',
  'sent reject': 'rejected',
};

describe('a proposal on its last date', () => {
  it.each(PROPOSAL_STATES.flatMap((state) => MOVES.map((move) => [state, move] as const)))(
    'that is %s can %s only as the table says',
    (state, move) => {
      const act = () => moveProposal({ state, validUntil: LAST }, move, LAST);
      const to = ALLOWED[`${state} ${move}`];
      if (to) expect(act()).toBe(to);
      else expect(act).toThrow(expect.objectContaining({ code: 'E_CONFLICT' }));
    },
  );
});

describe('a proposal after its last date', () => {
  it('can only expire, and is seen as expired before that is noted', () => {
    for (const state of ['draft', 'sent'] as const) {
      const proposal = { state, validUntil: LAST };
      expect(stateOn(proposal, '2026-04-01')).toBe('expired');
      expect(moveProposal(proposal, 'expire', '2026-04-01')).toBe('expired');
      for (const move of MOVES.filter((each) => each !== 'expire')) {
        expect(() => moveProposal(proposal, move, '2026-04-01')).toThrow(
          'it expired after 2026-03-31',
        );
      }
    }
  });

  it('stays what was decided', () => {
    for (const state of ['approved', 'rejected', 'expired'] as const) {
      const proposal = { state, validUntil: LAST };
      expect(stateOn(proposal, '2027-01-01')).toBe(state);
      for (const move of MOVES) {
        expect(() => moveProposal(proposal, move, '2027-01-01')).toThrow(
          expect.objectContaining({ code: 'E_CONFLICT' }),
        );
      }
    }
  });
});
