import { DaybookError } from '../errors.ts';
import { formatDecimal, parseDecimal } from '../money/decimal.ts';
import { type Grantor, priceLine } from '../sales/discount-line.ts';
import { requireCustomer } from './customers.ts';
import type { Tx } from './database.ts';
import { requirePolicies } from './discount-policies.ts';
import { requireProduct } from './products.ts';
import { beginDeed } from './proposal-deeds.ts';
import {
  insertProposal,
  type Proposal,
  type ProposalLine,
  replaceLines,
  requireProposal,
} from './proposals.ts';

/** Drafts of proposals: every line is priced anew, by the list and the policies of today. */

export interface DraftLine {
  readonly sku: string;
  /** Decimal text above 0. */
  readonly quantity: string;
  readonly policies: readonly string[];
  /** Decimal text; null: all that the policies give. */
  readonly discount: string | null;
}

export interface Draft {
  readonly tenantId: string;
  readonly currency: string;
  readonly lines: readonly DraftLine[];
  /** The tenant's local date. */
  readonly today: string;
  readonly grantor: Grantor;
}

/** @throws DaybookError `E_NOT_FOUND`, `E_INVALID`, `E_CONFLICT`, `E_FORBIDDEN` */
export async function draftProposal(
  tx: Tx,
  draft: Draft & {
    readonly customer: string;
    readonly title: string;
    readonly validUntil: string;
    readonly salesperson: string;
  },
): Promise<Proposal> {
  const customer = await requireCustomer(tx, draft.tenantId, draft.customer);
  if (customer.status === 'closed') {
    const reason = `${customer.key} is closed`;
    throw new DaybookError('E_CONFLICT', { where: 'customer', reason });
  }
  if (draft.validUntil < draft.today) {
    throw new DaybookError('E_INVALID', {
      where: 'valid_until',
      got: draft.validUntil,
      expected: `${draft.today} or later`,
    });
  }
  const lines = await priceLines(tx, draft);
  const id = await insertProposal(tx, draft);
  await replaceLines(tx, draft.tenantId, id, lines);
  return requireProposal(tx, draft.tenantId, id);
}

/** @throws DaybookError as {@link draftProposal}; `E_CONFLICT` when it is no draft any more */
export async function redraftProposal(
  tx: Tx,
  draft: Omit<Draft, 'currency'> & { readonly id: string },
): Promise<Proposal> {
  const { proposal } = await beginDeed(tx, draft, 'edit');
  const lines = await priceLines(tx, { ...draft, currency: proposal.currency });
  await replaceLines(tx, draft.tenantId, draft.id, lines);
  return requireProposal(tx, draft.tenantId, draft.id);
}

async function priceLines(tx: Tx, draft: Draft): Promise<ProposalLine[]> {
  const priced: ProposalLine[] = [];
  for (const [index, line] of draft.lines.entries()) {
    const where = `lines[${index}]`;
    const product = await requireProduct(tx, draft.tenantId, line.sku);
    if (!product.active || product.currency !== draft.currency) {
      throw new DaybookError('E_INVALID', {
        where: `${where}.sku`,
        got: product.active ? `${product.sku} in ${product.currency}` : `${product.sku}, not sold`,
        expected: `a product that is sold in ${draft.currency}`,
      });
    }
    const policies = await requirePolicies(tx, draft.tenantId, line.policies);
    const amounts = priceLine(
      {
        where,
        sku: product.sku,
        quantity: decimalAt(line.quantity, `${where}.quantity`),
        listPrice: decimalAt(product.listPrice, `${where}.list_price`),
        currency: draft.currency,
        discount: line.discount === null ? null : decimalAt(line.discount, `${where}.discount`),
      },
      policies,
      draft.today,
      draft.grantor,
    );
    priced.push({
      lineNo: index + 1,
      sku: product.sku,
      description: product.title,
      quantity: line.quantity,
      listPrice: product.listPrice,
      listAmount: formatDecimal(amounts.listAmount),
      policies: line.policies,
      allowedDiscount: formatDecimal(amounts.allowed),
      discount: formatDecimal(amounts.discount),
      net: formatDecimal(amounts.net),
    });
  }
  return priced;
}

function decimalAt(text: string, where: string) {
  const decimal = parseDecimal(text);
  if (decimal) return decimal;
  const expected = 'a decimal such as 12.50';
  throw new DaybookError('E_INVALID', { where, got: JSON.stringify(text.slice(0, 64)), expected });
}
