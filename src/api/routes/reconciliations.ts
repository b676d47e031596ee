import { z } from 'zod';
import { LINE_CLASSES } from '../../billing/reconcile/classify.ts';
import { RECONCILIATION_STATES } from '../../billing/reconcile/moves.ts';
import { DaybookError } from '../../errors.ts';
import {
  addNote,
  type Deed,
  listNotes,
  listReconciliations,
  type Note,
  type Reconciliation,
  requireReconciliation,
  signOff,
  unlock,
} from '../../store/reconciliations.ts';
import { findRun } from '../../store/runs.ts';
import { actorOf } from '../access.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { RequestedView, viewRequested } from '../requested-reconciliation.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { PageQuery } from './exports.ts';

/** What was reconciled, what people say of it, and its sign-off, which locks the period. */

const ReconciliationView = z.object({
  id: z.string(),
  status: z.enum(RECONCILIATION_STATES),
  period: z.object({ from: z.string(), to: z.string() }),
  zone: z.string(),
  carrier: z.string().describe("Name of the carrier's file."),
  carrier_sha256: z.union([z.string(), z.null()]).describe('Null: made of loaded rows.'),
  currency: z.string(),
  request: z.record(z.string(), z.unknown()).describe('Tolerances, which charges, the map.'),
  ours: z.object({ rows: z.number(), total: z.string() }),
  theirs: z.object({ rows: z.number(), total: z.string() }),
  classes: z
    .record(
      z.enum(LINE_CLASSES),
      z.object({ rows: z.number(), ours: z.string(), theirs: z.string(), explains: z.string() }),
    )
    .describe('What explains the difference, theirs less ours; its sums add up to it exactly.'),
  unrated: z.number().describe('Calls of the period that have no charge to compare.'),
  disputed: z.number().describe('Lines that are disputed now.'),
  requested_by: z.string(),
  created_at: z.string(),
  signed_off_by: z.union([z.string(), z.null()]),
  signed_off_at: z.union([z.string(), z.null()]),
});

const NoteView = z.object({
  id: z.string(),
  line: z.union([z.number(), z.null()]),
  kind: z.enum(['note', 'disputed', 'accepted', 'reopened', 'signed_off', 'unlocked']),
  note: z.union([z.string(), z.null()]),
  written_by: z.string(),
  written_at: z.string(),
});

export const NoteText = z.string().trim().min(1).max(4000);
const IdParams = z.object({ id: z.string() });

export function reconciliationRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/reconciliations',
    {
      config: { access: 'reconciliations.read' },
      schema: {
        operationId: 'listReconciliations',
        tags: ['reconciliations'],
        summary: 'Reconciliations, newest first',
        headers: TENANT_HEADERS,
        querystring: PageQuery.extend({ status: z.enum(RECONCILIATION_STATES).optional() }),
        response: {
          200: z.object({
            items: z.array(ReconciliationView),
            next_cursor: z.union([z.string(), z.null()]),
          }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { limit, cursor, status } = request.query;
      const after = readCursor(cursor);
      const found = await database.asTenant(tenant.id, (tx) =>
        listReconciliations(tx, { tenantId: tenant.id, limit: limit + 1, after, state: status }),
      );
      const items = found.slice(0, limit);
      const last = found.length > limit ? (items.at(-1) ?? null) : null;
      return { items: items.map(view), next_cursor: writeCursor(last) };
    },
  );

  server.get(
    '/v1/reconciliations/:id',
    {
      config: { access: 'reconciliations.read' },
      schema: {
        operationId: 'getReconciliation',
        tags: ['reconciliations'],
        summary:
          'One reconciliation, with what explains its difference; before that, how it stands',
        headers: TENANT_HEADERS,
        params: IdParams,
        response: { 200: z.union([ReconciliationView, RequestedView]), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const id = reconciliationId(request.params.id);
      return database.asTenant(tenant.id, async (tx) => {
        const run = await findRun(tx, id);
        // What a run found is entered as it ends.
        if (run?.report === 'reconciliation' && run.state !== 'done') return viewRequested(run);
        return view(await requireReconciliation(tx, tenant.id, id));
      });
    },
  );

  const deeds = [
    {
      path: 'sign-off',
      access: 'reconciliations.sign_off',
      operationId: 'signOffReconciliation',
      summary: 'Sign it off: its period is locked; refused while a line is disputed',
      act: signOff,
    },
    {
      path: 'unlock',
      access: 'periods.unlock',
      operationId: 'unlockReconciliation',
      summary: 'Take the sign-off back and release the lock of the period',
      act: unlock,
    },
  ] as const;
  for (const { path, access, operationId, summary, act } of deeds) {
    server.post(
      `/v1/reconciliations/:id/${path}`,
      {
        config: { access },
        schema: {
          operationId,
          tags: ['reconciliations'],
          summary,
          headers: TENANT_HEADERS,
          params: IdParams,
          body: z.strictObject({ note: NoteText.optional() }),
          response: { 200: ReconciliationView, ...PROBLEMS },
        },
      },
      async (request) => {
        const { tenant, name } = actorOf(request);
        const id = reconciliationId(request.params.id);
        const deed: Deed = { tenantId: tenant.id, id, by: name, note: request.body.note ?? null };
        return view(await database.asTenant(tenant.id, (tx) => act(tx, deed)));
      },
    );
  }

  server.get(
    '/v1/reconciliations/:id/notes',
    {
      config: { access: 'reconciliations.read' },
      schema: {
        operationId: 'listReconciliationNotes',
        tags: ['reconciliations'],
        summary: 'What was said and done, oldest first',
        headers: TENANT_HEADERS,
        params: IdParams,
        response: { 200: z.object({ items: z.array(NoteView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const id = reconciliationId(request.params.id);
      const notes = await database.asTenant(tenant.id, async (tx) => {
        await requireReconciliation(tx, tenant.id, id);
        return listNotes(tx, tenant.id, id);
      });
      return { items: notes.map(viewNote) };
    },
  );

  server.post(
    '/v1/reconciliations/:id/notes',
    {
      config: { access: 'reconciliations.settle' },
      schema: {
        operationId: 'addReconciliationNote',
        tags: ['reconciliations'],
        summary: 'Note something about it, or about one of its lines',
        headers: TENANT_HEADERS,
        params: IdParams,
        body: z.strictObject({ note: NoteText, line: z.int().min(1).optional() }),
        response: { 204: z.null().describe('Noted.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name } = actorOf(request);
      const id = reconciliationId(request.params.id);
      const { note, line } = request.body;
      const deed = { tenantId: tenant.id, id, by: name, note, lineNo: line ?? null };
      await database.asTenant(tenant.id, (tx) => addNote(tx, deed));
      return reply.code(204).send(null);
    },
  );
}

/** @throws DaybookError `E_NOT_FOUND` for what can be no id */
export function reconciliationId(id: string): string {
  if (isUuid(id)) return id.toLowerCase();
  throw new DaybookError('E_NOT_FOUND', { what: 'reconciliation', got: id });
}

function view(found: Reconciliation): z.infer<typeof ReconciliationView> {
  return {
    id: found.id,
    status: found.state,
    period: found.period,
    zone: found.zone,
    carrier: found.carrier,
    carrier_sha256: found.carrierSha256,
    currency: found.currency,
    request: { ...found.request },
    ours: { rows: found.ourRows, total: found.ourTotal },
    theirs: { rows: found.theirRows, total: found.theirTotal },
    classes: { ...found.classes },
    unrated: found.unrated,
    disputed: found.disputed,
    requested_by: found.requestedBy,
    created_at: found.createdAt.toISOString(),
    signed_off_by: found.signedOffBy,
    signed_off_at: found.signedOffAt?.toISOString() ?? null,
  };
}

function viewNote(note: Note): z.infer<typeof NoteView> {
  return {
    id: note.id,
    line: note.lineNo,
    kind: note.kind,
    note: note.note,
    written_by: note.writtenBy,
    written_at: note.writtenAt.toISOString(),
  };
}
