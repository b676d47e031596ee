import { Readable } from 'node:stream';
import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { readKnownSkus } from '../../ingest/known-skus.ts';
import { retryRejects } from '../../ingest/retry-rejects.ts';
import { INGEST_DATASETS } from '../../ingest/signed/ingest-datasets.ts';
import { storeLoads } from '../../store/loads.ts';
import { eachReject, listRejects, type Reject, type RejectFilter } from '../../store/rejects.ts';
import { actorOf } from '../access.ts';
import { BodyBudget } from '../body-budget.ts';
import { attachmentOf } from '../file-name.ts';
import { readRawBody, withOwnBodies } from '../raw-body.ts';
import { REJECT_FILES, withRejectFile, XLSX } from '../reject-export.ts';
import { requestSignal } from '../request-signal.ts';
import { sendChunks } from '../send-chunks.ts';
import { readSequence, writeSequence } from '../sequence-cursor.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Rows that were refused: a page, a file to mend, and the mended file back. */

const RejectView = z.object({
  id: z.string(),
  dataset: z.string(),
  load_id: z.string(),
  file_name: z.string(),
  row_number: z.number(),
  field: z.union([z.string(), z.null()]),
  code: z.string(),
  reason: z.string(),
  suggestion: z.union([z.string(), z.null()]).describe('What was probably meant.'),
  raw: z.object({
    columns: z.array(z.string()),
    values: z.array(z.union([z.string(), z.null()])),
    line: z.string().optional(),
  }),
  state: z.enum(['open', 'resolved']),
  created_at: z.string(),
});

const RetryView = z.object({
  loaded: z.number(),
  updated: z.number(),
  unchanged: z.number(),
  superseded: z.number(),
  rejected: z.number(),
  still_rejected: z.array(z.object({ reject_id: z.string(), reason: z.string() })),
});

const MENDED_TYPES: readonly [RegExp, string][] = [
  [/^text\/csv(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i, 'mended.csv'],
  [new RegExp(`^${XLSX.replaceAll('.', '\\.')}$`, 'i'), 'mended.xlsx'],
];
const MENDED_BYTES = 16 * 2 ** 20;
const UNDER_WAY_BYTES = 64 * 2 ** 20;
const RETRY_MS = 10 * 60_000;

export async function rejectRoutes({ server, deps, closing }: RouteContext): Promise<void> {
  const { database } = deps;
  const budget = new BodyBudget(UNDER_WAY_BYTES);

  server.get(
    '/v1/rejects',
    {
      config: { access: 'rejects.read' },
      schema: {
        operationId: 'listRejects',
        tags: ['rejects'],
        summary: 'Rows that were refused, oldest first; csv and xlsx are files to mend',
        headers: TENANT_HEADERS,
        querystring: z.object({
          dataset: z.enum(INGEST_DATASETS).optional(),
          state: z.enum(['open', 'resolved', 'all']).default('open'),
          format: z.enum(['json', 'csv', 'xlsx']).default('json'),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
          cursor: z.string().max(200).optional(),
        }),
        response: {
          200: {
            description: 'A page, or a file of all of them.',
            content: {
              'application/json': {
                schema: z.object({
                  items: z.array(RejectView),
                  next_cursor: z.union([z.string(), z.null()]),
                }),
              },
              'text/csv': { schema: z.string() },
              [XLSX]: { schema: z.string().meta({ format: 'binary' }) },
            },
          },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { dataset, state, format, limit, cursor } = request.query;
      const filter: RejectFilter = {
        tenantId: tenant.id,
        ...(dataset === undefined ? {} : { dataset }),
        ...(state === 'all' ? {} : { state }),
      };
      if (format !== 'json') {
        const name = `${tenant.name} rejects.${format}`;
        return withRejectFile(database, filter, format, async (chunks, bytes) => {
          reply.headers({
            'content-type': REJECT_FILES[format].type,
            'content-length': bytes,
            'content-disposition': attachmentOf(name),
          });
          return sendChunks(reply, chunks);
        });
      }
      const page = { ...filter, afterId: readSequence(cursor), limit: limit + 1 };
      const found = await database.asTenant(tenant.id, (tx) => listRejects(tx, page), {
        readOnly: true,
      });
      const items = found.slice(0, limit);
      const next = found.length > limit ? items[limit - 1].id : null;
      return reply
        .type('application/json')
        .send({ items: items.map(viewReject), next_cursor: writeSequence(next) });
    },
  );

  await withOwnBodies(server, (scope) => {
    scope.post(
      '/v1/rejects/retry',
      {
        config: { access: 'rejects.retry', readsOwnBody: true },
        schema: {
          operationId: 'retryRejects',
          tags: ['rejects'],
          summary:
            'Load refused rows again: those of a mended file, or without one all as they came',
          description:
            'The body is a file of `GET /v1/rejects?format=csv` or `xlsx`, mended; only its rows are loaded.',
          headers: TENANT_HEADERS,
          querystring: z.object({
            dataset: z.enum(INGEST_DATASETS).optional(),
            suggestions: z
              .enum(['accept', 'ignore'])
              .default('ignore')
              .describe('accept: what was probably meant, where nothing else is written.'),
          }),
          response: { 200: RetryView, ...PROBLEMS },
        },
      },
      async (request, reply) => {
        const { tenant, name: requestedBy } = actorOf(request);
        const { dataset, suggestions } = request.query;
        const signal = requestSignal(reply.raw, closing, RETRY_MS);
        const body = await readRawBody(request, MENDED_BYTES, budget);
        try {
          const name = body.pieces.length === 0 ? null : mendedName(request.headers);
          const result = await retryRejects({
            tenant,
            requestedBy,
            mended: name === null ? null : { bytes: Readable.from(body.pieces), name },
            map: undefined,
            rejectsOf: (ids) =>
              database.asTenant(tenant.id, async (tx) => {
                const of = {
                  tenantId: tenant.id,
                  ...(dataset === undefined ? {} : { dataset }),
                  ...(ids === null ? { state: 'open' as const } : { ids }),
                };
                const found: Reject[] = [];
                for await (const reject of eachReject(tx, of)) found.push(reject);
                return found;
              }),
            acceptSuggestions: suggestions === 'accept',
            knownSkusOf: (of) =>
              database.asTenant(tenant.id, (tx) => readKnownSkus(tx, tenant.id, of)),
            store: storeLoads(database),
            signal,
          });
          return { ...result, still_rejected: [...result.still_rejected] };
        } finally {
          body.release();
        }
      },
    );
  });
}

/** @throws DaybookError `E_MEDIA_TYPE` */
function mendedName(headers: {
  readonly 'content-type'?: string;
  readonly 'content-encoding'?: string;
}): string {
  const type = headers['content-type'] ?? '';
  const name = MENDED_TYPES.find(([form]) => form.test(type))?.[1];
  if (name !== undefined && headers['content-encoding'] === undefined) return name;
  throw new DaybookError('E_MEDIA_TYPE', {
    where: name === undefined ? 'Content-Type' : 'Content-Encoding',
    got: JSON.stringify((name === undefined ? type : headers['content-encoding'])?.slice(0, 200)),
    expected: name === undefined ? `text/csv or ${XLSX}` : 'none',
  });
}

function viewReject(reject: Reject): z.infer<typeof RejectView> {
  const { columns, values, line } = reject.raw;
  return {
    id: reject.id,
    dataset: reject.dataset,
    load_id: reject.loadId,
    file_name: reject.fileName,
    row_number: reject.rowNumber,
    field: reject.field,
    code: reject.code,
    reason: reject.reason,
    suggestion: reject.suggestion,
    raw: { columns: [...columns], values: [...values], ...(line === undefined ? {} : { line }) },
    state: reject.state,
    created_at: reject.createdAt.toISOString(),
  };
}
