import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { CARRIER_CALLS } from '../../ingest/carrier-shape.ts';
import { parseLoadMap } from '../../mapping/parse-load-map.ts';
import { parseDecimal } from '../../money/decimal.ts';
import { DIRECTIONS } from '../../reports/dataset.ts';
import { parseReportRequest } from '../../reports/parse-request.ts';
import { mediaTypeOf } from '../../reports/render/media-types.ts';
import type { ReportRequest } from '../../reports/request.ts';
import { type CarrierRequest, insertCarrierFile } from '../../store/carrier-files.ts';
import { onceByKey } from '../../store/idempotency.ts';
import { countQueued, insertRun } from '../../store/runs.ts';
import { daysOf } from '../../time/calendar.ts';
import { actorOf } from '../access.ts';
import { IdempotencyKey, idempotencyKeyOf } from '../idempotency-key.ts';
import { depthOf, hasBody, JSON_DEPTH } from '../json-body.ts';
import { type ReceivedFile, receiveFile } from '../receive-file.ts';
import { requestSignal } from '../request-signal.ts';
import { RequestedView, viewRequested } from '../requested-reconciliation.ts';
import { readableRun } from '../run-lookup.ts';
import { sendFinished } from '../send-finished.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { reconciliationId } from './reconciliations.ts';

/** Asking for a reconciliation: a carrier's file, or the rows that are loaded. The runner does it. */

/** As it comes; what is larger comes compressed. */
const MOST_BYTES = 256 << 20;
const WORKBOOK = mediaTypeOf('xlsx');

const Query = z.strictObject({
  from: z.string().describe("First local date of the tenant's zone."),
  to: z.string().describe('Last one, inclusive.'),
  name: z
    .string()
    .min(1)
    .max(200)
    .default('carrier.csv')
    .describe('Of the file; its ending tells what it is: csv, tsv, ndjson (perhaps .gz), xlsx.'),
  tolerance_seconds: z.coerce.number().min(0).max(86_400).default(5),
  tolerance_amount: z.string().max(20).optional().describe('Such as `0.005`.'),
  trunk: z.string().min(1).max(200).optional().describe('Only calls over it.'),
  direction: z.enum(DIRECTIONS).optional().describe('Only charges of calls in it.'),
  country_code: z.string().max(4).optional().describe('What a leading 0 stands for, such as 44.'),
  map: z.string().max(12_000).optional().describe('JSON that says which column is which field.'),
});
type Query = z.infer<typeof Query>;

export function reconciliationUploadRoutes({ server, deps, closing }: RouteContext): void {
  const { database } = deps;

  async function create(
    request: FastifyRequest<{ Querystring: Query }>,
    reply: FastifyReply,
  ): Promise<RequestedView> {
    const { tenant, name: principal } = actorOf(request);
    const { query } = request;
    const key = idempotencyKeyOf(request.headers['idempotency-key']);
    const wanted = carrierRequestOf(query);
    const { from, to } = query;
    // Who says what the body is means to send one.
    const isUpload = hasBody(request.headers) || request.headers['content-type'] !== undefined;
    const asked = parseReportRequest(
      { report: 'reconciliation', from, to, cache: false, ...(isUpload ? {} : ofLoaded(query)) },
      { locale: tenant.locale },
    );
    let file: ReceivedFile | null = null;
    try {
      if (isUpload) {
        demandPlain(request);
        const into = { home: deps.home, tenantId: tenant.id, mostBytes: MOST_BYTES };
        const body = (request.body ?? []) as AsyncIterable<Buffer>;
        file = await receiveFile(body, into, requestSignal(reply.raw, closing));
      }
      const received = file;
      const answer = await database.asTenant(tenant.id, async (tx) => {
        const effect = async () => {
          deps.admission?.((await countQueued(tx, 'interactive')).runs);
          if (received) {
            const { id, path, bytes, sha256 } = received;
            const entered = { id, path, bytes, sha256, request: wanted, uploadedBy: principal };
            await insertCarrierFile(tx, { ...entered, tenantId: tenant.id, name: query.name });
          }
          const run = await insertRun(tx, {
            tenantId: tenant.id,
            request: received ? withUpload(asked, received.id) : asked,
            workClass: 'interactive',
            requestedBy: principal,
            daysTotal: daysOf(tenant.calendar, asked.period).length,
          });
          return { status: 202, body: viewRequested(run) };
        };
        if (key === null) return { ...(await effect()), replayed: false };
        const same = ['reconciliations', query, received?.sha256 ?? null];
        return onceByKey(tx, { tenantId: tenant.id, principal, key, request: same }, effect);
      });
      if (answer.replayed) {
        reply.header('idempotency-replayed', 'true');
        await file?.remove();
      } else {
        deps.wake();
      }
      const view = answer.body as RequestedView;
      reply.code(202).header('location', view.links.self);
      return view;
    } catch (error) {
      // Whether an answer that was lost stands is not known: what is entered must have its file.
      if (error instanceof DaybookError && error.code !== 'E_UNAVAILABLE') await file?.remove();
      throw error;
    }
  }

  // In a scope of its own: here a body is bytes, whatever it says that it is.
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body));
    scope.post(
      '/v1/reconciliations',
      {
        config: { access: 'reconciliations.create', takesFiles: true },
        bodyLimit: MOST_BYTES,
        schema: {
          operationId: 'createReconciliation',
          tags: ['reconciliations'],
          summary: "Compare a carrier's file with our charges of a period",
          description:
            'The body is the file as it is (csv, tsv, ndjson, each perhaps compressed by gzip, or ' +
            'xlsx), at most 256 MiB. Without a body the rows of `carrier_calls` that are loaded ' +
            'are compared; then `map`, `direction` and `tolerance_amount` do not apply. A file ' +
            'with the wrong separator, of another period or in another currency fails with the ' +
            'reason before anything is compared. It is kept as it came.',
          headers: TENANT_HEADERS.extend({ 'idempotency-key': IdempotencyKey }),
          querystring: Query,
          consumes: ['application/octet-stream', 'text/csv', 'application/gzip', WORKBOOK],
          body: z.any(),
          response: { 202: RequestedView, ...PROBLEMS },
        },
      },
      create,
    );
  });

  server.route({
    method: ['GET', 'HEAD'],
    url: '/v1/reconciliations/:id/file',
    config: { access: 'reconciliations.read' },
    schema: {
      tags: ['reconciliations'],
      summary: 'The workbook of a reconciliation that the API or a schedule made, for 90 days',
      headers: TENANT_HEADERS,
      params: z.object({ id: z.string() }),
      response: {
        200: { description: 'The workbook.', content: { [WORKBOOK]: { schema: z.unknown() } } },
        206: { description: 'The range.', content: { [WORKBOOK]: { schema: z.unknown() } } },
        304: z.null().describe('The file is the one of `If-None-Match`.'),
        ...PROBLEMS,
      },
    },
    handler: async (request, reply) => {
      const id = reconciliationId(request.params.id);
      const unknown = new DaybookError('E_NOT_FOUND', { what: 'file of reconciliation', got: id });
      const found = await readableRun(database, actorOf(request), id).catch((error: unknown) => {
        throw error instanceof DaybookError && error.code === 'E_NOT_FOUND' ? unknown : error;
      });
      if (found.run.report !== 'reconciliation') throw unknown;
      return sendFinished(request, reply, deps, found);
    },
  });
}

/** The run finds its file by this; nobody can ask for another's, since parameters are checked. */
function withUpload(request: ReportRequest, id: string): ReportRequest {
  return { ...request, params: { ...request.params, upload: id } };
}

/** Rows that are loaded are narrowed as a schedule narrows them. */
function ofLoaded(query: Query): Record<string, unknown> {
  for (const name of ['map', 'direction', 'tolerance_amount'] as const) {
    if (query[name] !== undefined) throw invalid(name, query[name], 'none without a file');
  }
  const { trunk, country_code: code } = query;
  const where = trunk === undefined ? [] : [{ field: 'trunk', op: '=', values: [trunk] }];
  return {
    where,
    params: {
      tolerance_seconds: query.tolerance_seconds,
      ...(code === undefined ? {} : { country_code: Number(parseCountryCode(code)) }),
    },
  };
}

function carrierRequestOf(query: Query): CarrierRequest {
  const { tolerance_amount: amount, country_code: code } = query;
  return {
    tolerance_seconds: query.tolerance_seconds,
    tolerance_amount: amount === undefined ? null : parseAmount(amount),
    trunk: query.trunk ?? null,
    direction: query.direction ?? null,
    country_code: code === undefined ? null : parseCountryCode(code),
    map: query.map === undefined ? null : parseMap(query.map),
  };
}

function parseAmount(text: string): string {
  const amount = parseDecimal(text);
  if (amount && amount.unscaled >= 0n) return text;
  throw invalid('tolerance_amount', text, 'an amount of 0 or more such as 0.005');
}

function parseCountryCode(text: string): string {
  const [, digits] = /^\+?([1-9]\d{0,2})$/.exec(text) ?? [];
  if (digits) return digits;
  throw invalid('country_code', text, 'one to three digits such as 44');
}

function parseMap(text: string): unknown {
  let map: unknown;
  try {
    if (depthOf(Buffer.from(text)) > JSON_DEPTH) throw new SyntaxError('nested too deep');
    map = JSON.parse(text);
  } catch {
    throw invalid('map', text, 'JSON');
  }
  parseLoadMap(map, CARRIER_CALLS);
  return map;
}

/** Bytes are taken as they come; a gzip file is told by its first bytes. */
function demandPlain(request: FastifyRequest): void {
  const coding = request.headers['content-encoding'];
  if (coding === undefined || coding === 'identity') return;
  throw new DaybookError('E_MEDIA_TYPE', {
    where: 'Content-Encoding',
    got: JSON.stringify(coding.slice(0, 200)),
    expected: 'none: send a .gz file as it is',
  });
}

function invalid(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_INVALID', {
    where,
    got: JSON.stringify(got.slice(0, 100)),
    expected,
  });
}
