import { DaybookError } from '../errors.ts';
import type { ProposalState } from '../sales/proposal-moves.ts';
import type { Tx } from './database.ts';

/** Proposals and their lines, as they stand. What moves them is `proposal-deeds.ts`. */

/** Money and quantities are exact text. */
export interface ProposalLine {
  readonly lineNo: number;
  readonly sku: string;
  readonly description: string | null;
  readonly quantity: string;
  /** Of one. */
  readonly listPrice: string;
  readonly listAmount: string;
  readonly policies: readonly string[];
  /** The most that its policies give. */
  readonly allowedDiscount: string;
  readonly discount: string;
  readonly net: string;
}

export interface Proposal {
  readonly id: string;
  readonly customer: string;
  readonly title: string;
  readonly currency: string;
  /** As it is noted; see `stateOn` for what it is on a date. */
  readonly state: ProposalState;
  /** The last local date on which it can be decided. */
  readonly validUntil: string;
  readonly salesperson: string;
  readonly createdAt: Date;
  readonly createdAtMicros: string;
  readonly sentAt: Date | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly reason: string | null;
  readonly lines: readonly ProposalLine[];
}

/** Between keys of policies in a line; no key contains it. */
export const POLICY_SEPARATOR = ', ';

const LINES = `(select coalesce(json_agg(json_build_object(
    'lineNo', l.line_no, 'sku', l.sku, 'description', l.description,
    'quantity', l.quantity::text, 'listPrice', l.list_price::text,
    'listAmount', l.list_amount::text,
    'policies', coalesce(string_to_array(l.policy, '${POLICY_SEPARATOR}'), '{}'),
    'allowedDiscount', l.allowed_discount::text, 'discount', l.discount::text, 'net', l.net::text
  ) order by l.line_no), '[]') from daybook.proposal_lines l
  where l.tenant_id = p.tenant_id and l.proposal_id = p.id)`;
const COLUMNS = `p.id, p.customer, p.title, p.currency, p.state,
  to_char(p.valid_until, 'YYYY-MM-DD') as "validUntil", p.salesperson,
  p.created_at as "createdAt", (extract(epoch from p.created_at) * 1000000)::bigint::text
    as "createdAtMicros", p.sent_at as "sentAt", p.decided_by as "decidedBy",
  p.decided_at as "decidedAt", p.reason, ${LINES} as lines`;

/** @throws DaybookError `E_NOT_FOUND` */
export async function requireProposal(tx: Tx, tenantId: string, id: string): Promise<Proposal> {
  const [found] = await tx.query<Proposal>(
    `select ${COLUMNS} from daybook.proposals p where p.tenant_id = $1 and p.id = $2`,
    [tenantId, id],
  );
  if (!found) throw new DaybookError('E_NOT_FOUND', { what: 'proposal', got: id });
  return found;
}

/** Newest first, after `after` where given. */
export async function listProposals(
  tx: Tx,
  page: {
    readonly tenantId: string;
    readonly limit: number;
    readonly after: { readonly createdAtMicros: string; readonly id: string } | null;
    readonly customer?: string;
  },
): Promise<Proposal[]> {
  return tx.query<Proposal>(
    `select ${COLUMNS} from daybook.proposals p
     where p.tenant_id = $1 and ($2::text is null or p.customer = $2)
       and ($3::bigint is null or (p.created_at, p.id) <
         (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4::text))
     order by p.created_at desc, p.id desc limit $5`,
    [
      page.tenantId,
      page.customer ?? null,
      page.after?.createdAtMicros ?? null,
      page.after?.id ?? null,
      page.limit,
    ],
  );
}

/** @returns its id */
export async function insertProposal(
  tx: Tx,
  proposal: {
    readonly tenantId: string;
    readonly customer: string;
    readonly title: string;
    readonly currency: string;
    readonly validUntil: string;
    readonly salesperson: string;
  },
): Promise<string> {
  const [{ id }] = await tx.query<{ id: string }>(
    `insert into daybook.proposals (tenant_id, customer, title, currency, valid_until, salesperson)
     values ($1, $2, $3, $4, $5::date, $6) returning id`,
    [
      proposal.tenantId,
      proposal.customer,
      proposal.title,
      proposal.currency,
      proposal.validUntil,
      proposal.salesperson,
    ],
  );
  return id;
}

/** Writes the lines of a draft anew. */
export async function replaceLines(
  tx: Tx,
  tenantId: string,
  id: string,
  lines: readonly ProposalLine[],
): Promise<void> {
  await tx.run('delete from daybook.proposal_lines where tenant_id = $1 and proposal_id = $2', [
    tenantId,
    id,
  ]);
  const of = <K extends keyof ProposalLine>(key: K) => lines.map((line) => line[key]);
  await tx.run(
    `insert into daybook.proposal_lines (tenant_id, proposal_id, line_no, proposed_at, status,
       customer, sku, description, quantity, list_price, list_amount, policy, allowed_discount,
       discount, net, currency, salesperson)
     select $1, p.id, l.line_no, p.created_at, p.state, p.customer, l.sku, l.description,
       l.quantity, l.list_price, l.list_amount, l.policy, l.allowed_discount, l.discount, l.net,
       p.currency, p.salesperson
     from daybook.proposals p, unnest($3::bigint[], $4::text[], $5::text[], $6::numeric[],
       $7::numeric[], $8::numeric[], $9::text[], $10::numeric[], $11::numeric[], $12::numeric[])
       as l (line_no, sku, description, quantity, list_price, list_amount, policy,
         allowed_discount, discount, net)
     where p.tenant_id = $1 and p.id = $2`,
    [
      tenantId,
      id,
      of('lineNo'),
      of('sku'),
      of('description'),
      of('quantity'),
      of('listPrice'),
      of('listAmount'),
      lines.map(({ policies }) => (policies.length === 0 ? null : policies.join(POLICY_SEPARATOR))),
      of('allowedDiscount'),
      of('discount'),
      of('net'),
    ],
  );
}
