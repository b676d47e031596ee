import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ENTRY_KINDS } from '../../reports/dataset.ts';
import type { Tx } from '../../store/database.ts';
import { type IdempotentRequest, onceByKey, type StoredAnswer } from '../../store/idempotency.ts';
import { type Entry, listAccounts, listEntries } from '../../store/ledger.ts';
import { POSTED_KINDS, postEntry, reverseEntry } from '../../store/ledger-postings.ts';
import { listLowBalances, setLowBalance, statementOf } from '../../store/ledger-statement.ts';
import { parseDate, parsePeriod } from '../../time/period.ts';
import { actorOf } from '../access.ts';
import { IdempotencyKey, idempotencyKeyOf } from '../idempotency-key.ts';
import { readRowCursor, writeRowCursor } from '../row-cursor.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** The ledger: accounts, entries, statements, and what people post. */

const orNull = <T extends z.ZodType>(type: T) => z.union([type, z.null()]);
const Text = z.string().min(1).max(200);
const Money = z.string().max(40).describe('A decimal such as `12.50`.');
const Currency = z.string().length(3);

const EntryView = z.object({
  source: z.string(),
  kind: z.enum(ENTRY_KINDS),
  effective_at: z.string(),
  booked_on: z.string(),
  payer: z.string(),
  currency: z.string(),
  amount: z.string().describe("Added to the payer's account: negative for a charge."),
  reverses: orNull(z.string()),
  note: orNull(z.string()),
  posted_by: z.string(),
  posted_at: z.string(),
});
const StatementView = z.object({
  payer: z.string(),
  currency: z.string(),
  opening: z.string(),
  charges: z.string(),
  credits: z.string(),
  adjustments: z.string(),
  refunds: z.string(),
  reversals: z.string(),
  closing: z.string(),
  entries: z.number(),
});
const OF = { tags: ['ledger'], headers: TENANT_HEADERS };

export function ledgerRoutes(context: RouteContext): void {
  readRoutes(context);
  postRoutes(context);
}

function readRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/ledger',
    {
      config: { access: 'ledger.read' },
      schema: {
        ...OF,
        operationId: 'listEntries',
        summary: 'Entries, by when they count',
        querystring: z.object({
          from: z.string().max(64).optional(),
          to: z.string().max(64).optional(),
          payer: Text.optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
          cursor: z.string().max(4000).optional(),
        }),
        response: {
          200: z.object({ items: z.array(EntryView), next_cursor: orNull(z.string()) }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { from, to, payer, limit, cursor } = request.query;
      const after = readRowCursor(cursor);
      const filter = {
        ...{ tenantId: tenant.id, payer, limit },
        ...(from === undefined ? {} : { from: parseDate(from, 'from') }),
        ...(to === undefined ? {} : { to: parseDate(to, 'to') }),
        ...(after ? { after: { effectiveAt: after.at, source: after.key } } : {}),
      };
      const entries = await database.asTenant(tenant.id, (tx) => listEntries(tx, filter), {
        readOnly: true,
      });
      const last = entries.length === limit ? entries[entries.length - 1] : null;
      return {
        items: entries.map(viewEntry),
        next_cursor: last && writeRowCursor({ at: last.effectiveAt, key: last.source }),
      };
    },
  );

  server.get(
    '/v1/ledger/accounts',
    {
      config: { access: 'ledger.read' },
      schema: {
        ...OF,
        operationId: 'listAccounts',
        summary: 'Accounts with their balances, and which ran low',
        response: {
          200: z.object({
            items: z.array(
              z.object({
                kind: z.enum(['payer', 'revenue', 'cash', 'corrections']),
                payer: orNull(z.string()),
                currency: z.string(),
                balance: z.string(),
                entries: z.number(),
                low_balance: orNull(z.string()),
              }),
            ),
            ran_low: z.array(
              z.object({
                payer: z.string(),
                currency: z.string(),
                balance: z.string(),
                low_balance: z.string(),
                noticed_at: z.string(),
                mails: z.array(
                  z.object({
                    recipient: z.string(),
                    status: z.enum(['pending', 'sent', 'failed', 'suppressed']),
                    reply: orNull(z.string()),
                  }),
                ),
              }),
            ),
          }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      return database.asTenant(tenant.id, async (tx) => ({
        items: (await listAccounts(tx, tenant.id)).map((account) => ({
          kind: account.kind,
          payer: account.payer === '' ? null : account.payer,
          currency: account.currency,
          balance: account.balance,
          entries: account.entries,
          low_balance: account.lowBalance,
        })),
        ran_low: (await listLowBalances(tx, tenant.id)).map((notice) => ({
          payer: notice.payer,
          currency: notice.currency,
          balance: notice.balance,
          low_balance: notice.lowBalance,
          noticed_at: notice.noticedAt.toISOString(),
          mails: notice.mails.map(({ state, ...mail }) => ({ ...mail, status: state })),
        })),
      }));
    },
  );

  server.get(
    '/v1/ledger/statement',
    {
      config: { access: 'ledger.read' },
      schema: {
        ...OF,
        operationId: 'getStatement',
        summary: 'Opening balance, movements and closing balance of a period',
        querystring: z.object({
          from: z.string().max(64),
          to: z.string().max(64),
          payer: Text.optional(),
        }),
        response: { 200: z.object({ accounts: z.array(StatementView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { from, to, payer } = request.query;
      const of = { tenantId: tenant.id, period: parsePeriod(from, to), payer };
      return {
        accounts: await database.asTenant(tenant.id, (tx) => statementOf(tx, of), {
          readOnly: true,
        }),
      };
    },
  );
}

function postRoutes({ server, deps: { database, now } }: RouteContext): void {
  const headers = TENANT_HEADERS.extend({ 'idempotency-key': IdempotencyKey });

  server.post(
    '/v1/ledger/entries',
    {
      config: { access: 'ledger.post' },
      schema: {
        ...OF,
        headers,
        operationId: 'postEntry',
        summary: 'Post a credit, a refund or an adjustment, once per source',
        body: z.strictObject({
          kind: z.enum(POSTED_KINDS),
          payer: Text,
          currency: Currency,
          amount: Money,
          effective_on: z.string().max(64).optional().describe('A local date; left out: now.'),
          note: z.string().max(500).optional(),
          source: Text.optional().describe('What it is of, such as the id of a payment.'),
        }),
        response: { 201: EntryView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: postedBy } = actorOf(request);
      const { body } = request;
      const key = idempotencyKeyOf(request.headers['idempotency-key']);
      const answer = await database.asTenant(tenant.id, (tx) => {
        const effect = async () => {
          const entry = await postEntry(
            tx,
            {
              ...{ kind: body.kind, payer: body.payer, currency: body.currency },
              ...{ amount: body.amount, effectiveOn: body.effective_on ?? null },
              ...{ note: body.note ?? null, source: body.source ?? randomUUID() },
            },
            { tenant, postedBy, now: now() },
          );
          return { status: 201, body: viewEntry(entry) };
        };
        const of = { tenantId: tenant.id, principal: postedBy, request: ['entries', body] };
        return once(tx, { ...of, key }, effect);
      });
      return reply.code(201).send(answer.body as z.infer<typeof EntryView>);
    },
  );

  server.post(
    '/v1/ledger/reversals',
    {
      config: { access: 'ledger.post' },
      schema: {
        ...OF,
        headers,
        operationId: 'reverseEntry',
        summary: 'Take an entry back, once',
        body: z.strictObject({
          source: z.string().min(1).max(500),
          note: z.string().max(500).optional(),
        }),
        response: { 201: EntryView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: postedBy } = actorOf(request);
      const { source, note = null } = request.body;
      const key = idempotencyKeyOf(request.headers['idempotency-key']);
      const answer = await database.asTenant(tenant.id, (tx) => {
        const effect = async () => {
          const entry = await reverseEntry(tx, { source, note }, { tenant, postedBy, now: now() });
          return { status: 201, body: viewEntry(entry) };
        };
        const of = {
          tenantId: tenant.id,
          principal: postedBy,
          request: ['reversals', source, note],
        };
        return once(tx, { ...of, key }, effect);
      });
      return reply.code(201).send(answer.body as z.infer<typeof EntryView>);
    },
  );

  server.put(
    '/v1/ledger/low-balance',
    {
      config: { access: 'ledger.post' },
      schema: {
        ...OF,
        operationId: 'setLowBalance',
        summary: 'From which balance down an account is noted as low',
        body: z.strictObject({ payer: Text, currency: Currency, low_balance: orNull(Money) }),
        response: { 204: z.null().describe('Set.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { payer, currency, low_balance: lowBalance } = request.body;
      await database.asTenant(tenant.id, (tx) =>
        setLowBalance(tx, { tenantId: tenant.id, payer, currency, lowBalance }),
      );
      return reply.code(204).send(null);
    },
  );
}

/** Without a key the effect is simply had. */
function once(
  tx: Tx,
  { key, ...of }: Omit<IdempotentRequest, 'key'> & { readonly key: string | null },
  effect: () => Promise<StoredAnswer>,
): Promise<StoredAnswer> {
  return key === null ? effect() : onceByKey(tx, { ...of, key }, effect);
}

function viewEntry(entry: Entry): z.infer<typeof EntryView> {
  return {
    source: entry.source,
    kind: entry.kind,
    effective_at: entry.effectiveAt.toISOString(),
    booked_on: entry.bookedOn,
    payer: entry.payer,
    currency: entry.currency,
    amount: entry.amount,
    reverses: entry.reverses,
    note: entry.note,
    posted_by: entry.postedBy,
    posted_at: entry.postedAt.toISOString(),
  };
}
