import { DaybookError } from '../errors.ts';

/**
 * A proposal is a `draft` until it is sent; what was sent is approved or rejected; what nobody
 * decided by its last date is expired. A decision is for ever: another offer is another proposal.
 */
export const PROPOSAL_STATES = ['draft', 'sent', 'approved', 'rejected', 'expired'] as const;
export type ProposalState = (typeof PROPOSAL_STATES)[number];

/** Move → the states that it begins in, and the one that it ends in. */
export const PROPOSAL_MOVES = {
  edit: { from: ['draft'], to: 'draft' },
  send: { from: ['draft'], to: 'sent' },
  approve: { from: ['sent'], to: 'approved' },
  reject: { from: ['sent'], to: 'rejected' },
  expire: { from: ['draft', 'sent'], to: 'expired' },
} as const satisfies Record<string, { from: readonly ProposalState[]; to: ProposalState }>;
export type ProposalMove = keyof typeof PROPOSAL_MOVES;

export interface StandingProposal {
  readonly state: ProposalState;
  /** The last local date on which it can be decided. */
  readonly validUntil: string;
}

/**
 * The one function that moves a proposal.
 * @param today the tenant's local date
 * @returns the state after the move
 * @throws DaybookError `E_CONFLICT` when the state, or the date, forbids it
 */
export function moveProposal(
  proposal: StandingProposal,
  move: ProposalMove,
  today: string,
): ProposalState {
  const state = stateOn(proposal, today);
  const { from, to } = PROPOSAL_MOVES[move];
  if (move === 'expire' && today <= proposal.validUntil) {
    throw conflict(`it can be decided until ${proposal.validUntil}`);
  }
  const begins = move === 'expire' ? proposal.state : state;
  if (from.some((each) => each === begins)) return to;
  throw conflict(
    state === 'expired'
      ? `it expired after ${proposal.validUntil}`
      : `it is ${state}; only what is ${from.join(' or ')} can do that`,
  );
}

/** What a proposal is on a date, whether or not anybody has noted yet that it expired. */
export function stateOn({ state, validUntil }: StandingProposal, today: string): ProposalState {
  const open = state === 'draft' || state === 'sent';
  return open && today > validUntil ? 'expired' : state;
}

function conflict(reason: string): DaybookError {
  return new DaybookError('E_CONFLICT', { where: 'proposal', reason });
}
