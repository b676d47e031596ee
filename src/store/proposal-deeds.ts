import { parseDecimal } from '../money/decimal.ts';
import { demandMayGrant, type Grantor } from '../sales/discount-line.ts';
import { moveProposal, type ProposalMove, type ProposalState } from '../sales/proposal-moves.ts';
import type { Tx } from './database.ts';
import { requirePolicies } from './discount-policies.ts';
import { type Proposal, requireProposal } from './proposals.ts';

/**
 * What people do with a proposal, each in one transaction. Deeds of one proposal take turns, and
 * `moveProposal` alone says what may follow what. All functions work within a tenant.
 */

export interface ProposalDeed {
  readonly tenantId: string;
  readonly id: string;
  readonly by: string;
  /** The tenant's local date. */
  readonly today: string;
}

/**
 * Takes the turn of a proposal.
 * @returns the proposal, and the state that the move ends in
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT`
 */
export async function beginDeed(
  tx: Tx,
  deed: Pick<ProposalDeed, 'tenantId' | 'id' | 'today'>,
  move: ProposalMove,
): Promise<{ readonly proposal: Proposal; readonly to: ProposalState }> {
  await tx.query('select from daybook.proposals where tenant_id = $1 and id = $2 for update', [
    deed.tenantId,
    deed.id,
  ]);
  const proposal = await requireProposal(tx, deed.tenantId, deed.id);
  return { proposal, to: moveProposal(proposal, move, deed.today) };
}

/** @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` */
export async function sendProposal(tx: Tx, deed: ProposalDeed): Promise<Proposal> {
  const { to } = await beginDeed(tx, deed, 'send');
  await tx.run(
    `update daybook.proposals set state = $3, sent_by = $4, sent_at = now()
     where tenant_id = $1 and id = $2`,
    [deed.tenantId, deed.id, to, deed.by],
  );
  return tellLines(tx, deed);
}

/**
 * Approves it and activates what it sells: a product per line, a licence where one comes with it.
 * Both bear the line as their key, so that nothing is ever activated twice. Who was on trial is a
 * customer from now on.
 * @param approver may grant every line's discount, or approves none
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT`; `E_FORBIDDEN`
 */
export async function approveProposal(
  tx: Tx,
  deed: ProposalDeed,
  approver: Grantor,
): Promise<Proposal> {
  const { proposal, to } = await beginDeed(tx, deed, 'approve');
  for (const line of proposal.lines) {
    const policies = await requirePolicies(tx, deed.tenantId, line.policies);
    const [discount, listAmount] = [parseDecimal(line.discount), parseDecimal(line.listAmount)];
    if (discount && listAmount) demandMayGrant({ discount, listAmount }, policies, approver);
  }
  await decide(tx, deed, to, null);
  const line = [deed.tenantId, deed.id];
  await tx.run(
    `insert into daybook.customer_products
       (tenant_id, proposal_id, line_no, customer, sku, quantity)
     select tenant_id, proposal_id, line_no, customer, sku, quantity
     from daybook.proposal_lines where tenant_id = $1 and proposal_id = $2`,
    line,
  );
  await tx.run(
    `insert into daybook.licences (tenant_id, customer, sku, seats, valid_from, valid_until,
       proposal_id, line_no, granted_by)
     select l.tenant_id, l.customer, l.sku, l.quantity, now(),
       now() + make_interval(days => p.licence_days), l.proposal_id, l.line_no, $3
     from daybook.proposal_lines l
     join daybook.products p on p.tenant_id = l.tenant_id and p.sku = l.sku and p.licensed
     where l.tenant_id = $1 and l.proposal_id = $2`,
    [...line, deed.by],
  );
  await tx.run(
    `update daybook.customers set state = 'active' where tenant_id = $1 and key = $2 and state = 'trial'`,
    [deed.tenantId, proposal.customer],
  );
  return tellLines(tx, deed);
}

/** @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` */
export async function rejectProposal(
  tx: Tx,
  deed: ProposalDeed & { readonly reason: string | null },
): Promise<Proposal> {
  const { to } = await beginDeed(tx, deed, 'reject');
  await decide(tx, deed, to, deed.reason);
  return tellLines(tx, deed);
}

/**
 * Notes that proposals have expired which nobody decided by their last date.
 * @param today the tenant's local date
 * @returns how many
 */
export async function expireProposals(tx: Tx, tenantId: string, today: string): Promise<number> {
  const due = await tx.query<{ id: string }>(
    `select id from daybook.proposals
     where tenant_id = $1 and state in ('draft', 'sent') and valid_until < $2::date
     order by id limit 1000 for update skip locked`,
    [tenantId, today],
  );
  for (const { id } of due) {
    const deed = { tenantId, id, today, by: 'expiry' };
    const { to } = await beginDeed(tx, deed, 'expire');
    await decide(tx, deed, to, null);
    await tellLines(tx, deed);
  }
  return due.length;
}

async function decide(
  tx: Tx,
  deed: ProposalDeed,
  to: ProposalState,
  reason: string | null,
): Promise<void> {
  await tx.run(
    `update daybook.proposals set state = $3, decided_by = $4, decided_at = now(), reason = $5
     where tenant_id = $1 and id = $2`,
    [deed.tenantId, deed.id, to, deed.by, reason],
  );
}

/** What lines say of their proposal is what it says. */
async function tellLines(tx: Tx, { tenantId, id }: ProposalDeed): Promise<Proposal> {
  await tx.run(
    `update daybook.proposal_lines l set status = p.state, decided_at = p.decided_at
     from daybook.proposals p
     where p.tenant_id = $1 and p.id = $2 and l.tenant_id = p.tenant_id and l.proposal_id = p.id`,
    [tenantId, id],
  );
  return requireProposal(tx, tenantId, id);
}
