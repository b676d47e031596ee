import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { addDecimal, formatDecimal, parseDecimal, ZERO } from '../../money/decimal.ts';
import { PROPOSAL_STATES, stateOn } from '../../sales/proposal-moves.ts';
import { approveProposal, rejectProposal, sendProposal } from '../../store/proposal-deeds.ts';
import { draftProposal, redraftProposal } from '../../store/proposal-drafts.ts';
import { listProposals, type Proposal, requireProposal } from '../../store/proposals.ts';
import type { Tenant } from '../../store/tenants.ts';
import { dayAt } from '../../time/calendar.ts';
import { actorOf } from '../access.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { grantorOf } from '../grantor.ts';
import { IdempotencyKey } from '../idempotency-key.ts';
import { createOnce } from '../once.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { PageQuery } from './exports.ts';
import {
  AmountText,
  CurrencyText,
  DateText,
  KeyText,
  orNull,
  QuantityText,
  TitleText,
} from './sales-schemas.ts';

/** Proposals: drafted, sent, approved or rejected; what is approved is activated, once. */

const MOST_LINES = 200;
const MOST_POLICIES = 10;

const LineBody = z.strictObject({
  sku: KeyText,
  quantity: QuantityText.default('1'),
  policies: z.array(KeyText).max(MOST_POLICIES).default([]),
  discount: AmountText.optional().describe('Less than the policies give; by default all of it.'),
});
const Lines = z.array(LineBody).min(1).max(MOST_LINES);

const ProposalView = z.object({
  id: z.string(),
  customer: z.string(),
  title: z.string(),
  status: z.enum(PROPOSAL_STATES),
  currency: z.string(),
  valid_until: z.string().describe('The last local date on which it can be approved.'),
  salesperson: z.string(),
  created_at: z.string(),
  sent_at: orNull(z.string()),
  decided_by: orNull(z.string()),
  decided_at: orNull(z.string()),
  reason: orNull(z.string()),
  totals: z.object({ list: z.string(), discount: z.string(), net: z.string() }),
  lines: z.array(
    z.object({
      line: z.number(),
      sku: z.string(),
      description: orNull(z.string()),
      quantity: z.string(),
      list_price: z.string(),
      list_amount: z.string(),
      policies: z.array(z.string()),
      allowed_discount: z.string().describe('The most that its policies give.'),
      discount: z.string(),
      net: z.string(),
    }),
  ),
});
const IdParams = z.object({ id: z.string() });

export function proposalRoutes({ server, deps }: RouteContext): void {
  const { database, now } = deps;
  const today = (tenant: Tenant) => dayAt(tenant.calendar, now()).date;

  server.get(
    '/v1/proposals',
    {
      config: { access: 'sales.read' },
      schema: {
        operationId: 'listProposals',
        tags: ['sales'],
        summary: 'Proposals, newest first',
        headers: TENANT_HEADERS,
        querystring: PageQuery.extend({ customer: z.string().max(200).optional() }),
        response: {
          200: z.object({ items: z.array(ProposalView), next_cursor: orNull(z.string()) }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { limit, cursor, customer } = request.query;
      const after = readCursor(cursor);
      const found = await database.asTenant(tenant.id, (tx) =>
        listProposals(tx, { tenantId: tenant.id, limit: limit + 1, after, customer }),
      );
      const items = found.slice(0, limit);
      const last = found.length > limit ? (items.at(-1) ?? null) : null;
      return {
        items: items.map((each) => view(each, today(tenant))),
        next_cursor: writeCursor(last),
      };
    },
  );

  server.post(
    '/v1/proposals',
    {
      config: { access: 'sales.write' },
      schema: {
        operationId: 'draftProposal',
        tags: ['sales'],
        summary: 'Draft a proposal; each line is priced by the list and its policies',
        headers: TENANT_HEADERS.extend({ 'idempotency-key': IdempotencyKey }),
        body: z.strictObject({
          customer: KeyText,
          title: TitleText,
          currency: CurrencyText.optional().describe("Default: the tenant's."),
          valid_until: DateText,
          lines: Lines,
        }),
        response: { 201: ProposalView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, principal, name: salesperson } = actorOf(request);
      const { customer, title, currency = tenant.currency, valid_until, lines } = request.body;
      return createOnce(request, reply, database, 'proposals', async (tx) => {
        const draft = {
          ...{ tenantId: tenant.id, customer, title, currency, validUntil: valid_until },
          ...{ salesperson, lines: draftLines(lines), today: today(tenant) },
          grantor: grantorOf(principal),
        };
        return view(await draftProposal(tx, draft), today(tenant));
      });
    },
  );

  server.get(
    '/v1/proposals/:id',
    {
      config: { access: 'sales.read' },
      schema: {
        operationId: 'getProposal',
        tags: ['sales'],
        summary: 'One proposal',
        headers: TENANT_HEADERS,
        params: IdParams,
        response: { 200: ProposalView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const id = proposalId(request.params.id);
      const found = await database.asTenant(tenant.id, (tx) => requireProposal(tx, tenant.id, id));
      return view(found, today(tenant));
    },
  );

  server.put(
    '/v1/proposals/:id/lines',
    {
      config: { access: 'sales.write' },
      schema: {
        operationId: 'redraftProposal',
        tags: ['sales'],
        summary: 'Write the lines of a draft anew',
        headers: TENANT_HEADERS,
        params: IdParams,
        body: z.strictObject({ lines: Lines }),
        response: { 200: ProposalView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant, principal } = actorOf(request);
      const draft = {
        tenantId: tenant.id,
        id: proposalId(request.params.id),
        lines: draftLines(request.body.lines),
        today: today(tenant),
        grantor: grantorOf(principal),
      };
      return view(
        await database.asTenant(tenant.id, (tx) => redraftProposal(tx, draft)),
        draft.today,
      );
    },
  );

  const deeds = [
    ['send', 'sales.write', 'sendProposal', 'Send a draft: its lines stand from now on'],
    [
      'approve',
      'proposals.approve',
      'approveProposal',
      "Approve what was sent, and activate the customer's products and licences, once",
    ],
    ['reject', 'proposals.approve', 'rejectProposal', 'Reject what was sent'],
  ] as const;
  for (const [move, access, operationId, summary] of deeds) {
    server.post(
      `/v1/proposals/:id/${move}`,
      {
        config: { access },
        schema: {
          operationId,
          tags: ['sales'],
          summary,
          headers: TENANT_HEADERS,
          params: IdParams,
          body: z.strictObject({ reason: z.string().trim().min(1).max(2000).optional() }),
          response: { 200: ProposalView, ...PROBLEMS },
        },
      },
      async (request) => {
        const { tenant, principal, name: by } = actorOf(request);
        const deed = {
          ...{ tenantId: tenant.id, id: proposalId(request.params.id), by },
          ...{ today: today(tenant), reason: request.body.reason ?? null },
        };
        const moved = await database.asTenant(tenant.id, (tx) => {
          if (move === 'send') return sendProposal(tx, deed);
          if (move === 'reject') return rejectProposal(tx, deed);
          return approveProposal(tx, deed, grantorOf(principal));
        });
        return view(moved, deed.today);
      },
    );
  }
}

function draftLines(lines: z.infer<typeof Lines>) {
  return lines.map(({ discount = null, ...line }) => ({
    ...line,
    policies: [...new Set(line.policies)],
    discount,
  }));
}

function proposalId(id: string): string {
  if (isUuid(id)) return id.toLowerCase();
  throw new DaybookError('E_NOT_FOUND', { what: 'proposal', got: id });
}

function view(proposal: Proposal, today: string): z.infer<typeof ProposalView> {
  const { lines } = proposal;
  const total = (key: 'listAmount' | 'discount' | 'net') =>
    formatDecimal(
      lines.reduce((sum, line) => addDecimal(sum, parseDecimal(line[key]) ?? ZERO), ZERO),
      2,
    );
  return {
    id: proposal.id,
    customer: proposal.customer,
    title: proposal.title,
    status: stateOn(proposal, today),
    currency: proposal.currency,
    valid_until: proposal.validUntil,
    salesperson: proposal.salesperson,
    created_at: proposal.createdAt.toISOString(),
    sent_at: proposal.sentAt?.toISOString() ?? null,
    decided_by: proposal.decidedBy,
    decided_at: proposal.decidedAt?.toISOString() ?? null,
    reason: proposal.reason,
    totals: { list: total('listAmount'), discount: total('discount'), net: total('net') },
    lines: lines.map((line) => ({
      line: line.lineNo,
      sku: line.sku,
      description: line.description,
      quantity: line.quantity,
      list_price: line.listPrice,
      list_amount: line.listAmount,
      policies: [...line.policies],
      allowed_discount: line.allowedDiscount,
      discount: line.discount,
      net: line.net,
    })),
  };
}
