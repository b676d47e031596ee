import { z } from 'zod';
import { LINE_CLASSES } from '../../billing/reconcile/classify.ts';
import { LINE_STATES } from '../../billing/reconcile/moves.ts';
import { type Line, listLines } from '../../store/reconciliation-lines.ts';
import { requireReconciliation, setLineState } from '../../store/reconciliations.ts';
import { actorOf } from '../access.ts';
import { isoOrNull } from '../views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { NoteText, reconciliationId } from './reconciliations.ts';

/** The lines of a reconciliation that are not simply matched, and whether they are disputed. */

const KEPT_CLASSES = LINE_CLASSES.filter((name) => name !== 'matched');
const MOST_LINES = 1000;

const orNull = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);
const SideView = orNull(
  z.object({
    id: orNull(z.string()),
    started_at: orNull(z.string()),
    billed_seconds: orNull(z.number()),
    amount: z.string(),
  }),
);
const LineView = z.object({
  line: z.number(),
  class: z.enum(KEPT_CLASSES),
  caller: orNull(z.string()),
  callee: orNull(z.string()),
  ours: SideView,
  theirs: SideView,
  their_row: orNull(z.number()).describe("Row of the carrier's file, from 1."),
  explains: z.string().describe('Of the difference: theirs less ours.'),
  status: z.enum(LINE_STATES),
  changed_by: orNull(z.string()),
  changed_at: orNull(z.string()),
});

export function reconciliationLineRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/reconciliations/:id/lines',
    {
      config: { access: 'reconciliations.read' },
      schema: {
        operationId: 'listReconciliationLines',
        tags: ['reconciliations'],
        summary: 'Its lines that are not simply matched, in their order',
        headers: TENANT_HEADERS,
        params: z.object({ id: z.string() }),
        querystring: z.strictObject({
          after: z.coerce.number().int().min(0).default(0).describe('A line; 0: from the first.'),
          limit: z.coerce.number().int().min(1).max(MOST_LINES).default(100),
          class: z.enum(KEPT_CLASSES).optional(),
          status: z.enum(LINE_STATES).optional(),
        }),
        response: {
          200: z.object({
            items: z.array(LineView),
            next_after: orNull(z.number()).describe('For `after`; null on the last page.'),
          }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const id = reconciliationId(request.params.id);
      const { after, limit, class: name, status } = request.query;
      const lines = await database.asTenant(tenant.id, async (tx) => {
        await requireReconciliation(tx, tenant.id, id);
        return listLines(tx, {
          tenantId: tenant.id,
          reconciliationId: id,
          afterLine: after,
          limit: limit + 1,
          class: name,
          state: status,
        });
      });
      const items = lines.slice(0, limit);
      const next = lines.length > limit ? (items.at(-1)?.lineNo ?? null) : null;
      return { items: items.map(view), next_after: next };
    },
  );

  server.post(
    '/v1/reconciliations/:id/lines/:line',
    {
      config: { access: 'reconciliations.settle' },
      schema: {
        operationId: 'setReconciliationLine',
        tags: ['reconciliations'],
        summary: 'Dispute a line, accept it, or open it again',
        headers: TENANT_HEADERS,
        params: z.object({ id: z.string(), line: z.coerce.number().int().min(1) }),
        body: z.strictObject({ status: z.enum(LINE_STATES), note: NoteText.optional() }),
        response: { 204: z.null().describe('Changed.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name } = actorOf(request);
      const { status, note } = request.body;
      const deed = {
        tenantId: tenant.id,
        id: reconciliationId(request.params.id),
        by: name,
        note: note ?? null,
        lineNo: request.params.line,
        state: status,
      };
      await database.asTenant(tenant.id, (tx) => setLineState(tx, deed));
      return reply.code(204).send(null);
    },
  );
}

function view(line: Line): z.infer<typeof LineView> {
  const side = (
    id: string | null,
    at: number | null,
    seconds: number | null,
    amount: string | null,
  ) =>
    amount === null ? null : { id, started_at: isoOrNull(at), billed_seconds: seconds, amount };
  return {
    line: line.lineNo,
    class: line.class,
    caller: line.caller,
    callee: line.callee,
    ours: side(line.callId, line.startedAt, line.billedSeconds, line.amount),
    theirs: side(line.theirId, line.theirStartedAt, line.theirBilledSeconds, line.theirAmount),
    their_row: line.theirRow,
    explains: line.explains,
    status: line.state,
    changed_by: line.changedBy,
    changed_at: line.changedAt?.toISOString() ?? null,
  };
}
