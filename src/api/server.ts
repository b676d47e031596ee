import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import helmet from '@fastify/helmet';
import fastify, { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { DaybookError } from '../errors.ts';
import { guardRoutes } from './access.ts';
import { createAuthenticator } from './authenticate.ts';
import type { ApiDeps } from './deps.ts';
import { fromFramework, saysUnknownMethod, unmatched } from './framework-error.ts';
import { acceptOnlyJson, BODY_BYTES, hasBody } from './json-body.ts';
import { loggedPath } from './logged-path.ts';
import { collectOpenApi, serveOpenApi } from './openapi.ts';
import { headersOf, PROBLEM_MEDIA_TYPE, problemOf } from './problem.ts';
import { measureRequests } from './request-metrics.ts';
import { validatorCompiler } from './request-schema.ts';
import { allowedMethods } from './route-table.ts';
import { chargeRoutes } from './routes/charges.ts';
import { connectorRoutes } from './routes/connectors.ts';
import type { ApiServer, RouteContext } from './routes/context.ts';
import { customerRoutes } from './routes/customers.ts';
import { datasetSettingsRoutes } from './routes/dataset-settings.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { deliverySettingsRoutes } from './routes/delivery-settings.ts';
import { discountPolicyRoutes } from './routes/discount-policies.ts';
import { exportEventsRoute } from './routes/export-events.ts';
import { exportFileRoute } from './routes/export-file.ts';
import { exportRoutes } from './routes/exports.ts';
import { fileChangesRoute } from './routes/file-changes.ts';
import { healthRoutes } from './routes/health.ts';
import { ingestRoutes } from './routes/ingest.ts';
import { ingestBatchRoutes } from './routes/ingest-batches.ts';
import { ingestKeyRoutes } from './routes/ingest-keys.ts';
import { keyRoutes } from './routes/keys.ts';
import { ledgerRoutes } from './routes/ledger.ts';
import { licenceRoutes } from './routes/licences.ts';
import { linkRoutes } from './routes/links.ts';
import { memberRoutes } from './routes/members.ts';
import { mirrorCommitRoutes } from './routes/mirror-commit.ts';
import { mirrorRoutes } from './routes/mirrors.ts';
import { pageRoutes } from './routes/pages.ts';
import { payerRoutes } from './routes/payers.ts';
import { periodLockRoutes } from './routes/period-locks.ts';
import { productRoutes } from './routes/products.ts';
import { proposalRoutes } from './routes/proposals.ts';
import { ratePlanRoutes } from './routes/rate-plans.ts';
import { reconciliationLineRoutes } from './routes/reconciliation-lines.ts';
import { reconciliationUploadRoutes } from './routes/reconciliation-uploads.ts';
import { reconciliationRoutes } from './routes/reconciliations.ts';
import { rejectRoutes } from './routes/rejects.ts';
import { reportRoutes } from './routes/reports.ts';
import { runRoutes } from './routes/runs.ts';
import { scheduleTestRoute } from './routes/schedule-test.ts';
import { scheduleTimeRoutes } from './routes/schedule-times.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { sealedFileRoutes } from './routes/sealed-files.ts';
import { sourceBindingRoutes } from './routes/source-bindings.ts';
import { sourceRoutes } from './routes/sources.ts';
import { summaryRoute } from './routes/summary.ts';
import { triggerRoutes } from './routes/triggers.ts';
import { createTokenVerifier } from './supabase-token.ts';

/** A request's head must have come by then, and its whole by the second. */
const HEAD_MS = 10_000;
const WHOLE_REQUEST_MS = 60_000;
const HEAD_BYTES = 16 << 10;

/** The HTTP API, ready to listen. Closing it ends event streams and waits first. */
export async function buildServer(deps: ApiDeps): Promise<ApiServer> {
  const server: ApiServer = fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    bodyLimit: BODY_BYTES,
    routerOptions: { maxParamLength: 200 },
    requestTimeout: WHOLE_REQUEST_MS,
    http: {
      maxHeaderSize: HEAD_BYTES,
      headersTimeout: HEAD_MS,
      connectionsCheckingInterval: 2_000,
    },
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => sendError(error, request, reply),
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket, deps.publicUrl),
  }).withTypeProvider<ZodTypeProvider>();
  const closing = new AbortController();
  server.addHook('preClose', async () => closing.abort());
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);

  const methodsOf = allowedMethods(server);
  function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = saysUnknownMethod(thrown)
      ? unmatched(request, methodsOf)
      : fromFramework(thrown, request);
    if (error.status >= 500) request.log.error({ err: error }, 'a request failed');
    // What was not read of a body is not waited for.
    if (hasBody(request.headers) && !request.raw.complete) reply.header('connection', 'close');
    for (const name of ['content-disposition', 'etag', 'last-modified', 'content-length']) {
      reply.removeHeader(name);
    }
    void reply
      .code(error.status)
      .headers({ ...headersOf(error), 'cache-control': 'no-store' })
      .type(PROBLEM_MEDIA_TYPE)
      .send(JSON.stringify(problemOf(error, deps.publicUrl, request.id)));
  }
  server.setErrorHandler(sendError);

  server.setNotFoundHandler((request, reply) =>
    sendError(unmatched(request, methodsOf), request, reply),
  );

  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  server.addHook('onResponse', async () => {
    // An answer that outlasted the beginning of the end leaves an idle connection behind.
    if (closing.signal.aborted) setImmediate(() => server.server.closeIdleConnections());
  });
  server.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        path: loggedPath(request.url, request.routeOptions.url),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        who: request.actor?.name,
        tenant: request.actor?.tenant.name,
      },
      'request',
    );
  });
  measureRequests(server, deps.metrics);
  await secureHeaders(server, deps.publicUrl);
  guardRoutes(server, {
    authenticate: createAuthenticator({
      database: deps.database,
      verifyToken: deps.jwt && createTokenVerifier(deps.jwt, deps.now),
      now: deps.now,
    }),
    rateLimit: deps.rateLimit,
    log: deps.log,
  });
  acceptOnlyJson(server);
  await collectOpenApi(server, deps.publicUrl);

  const context: RouteContext = { server, deps, closing: closing.signal };
  reportRoutes(context);
  summaryRoute(context);
  exportRoutes(context);
  exportFileRoute(context);
  exportEventsRoute(context);
  runRoutes(context);
  scheduleRoutes(context);
  scheduleTimeRoutes(context);
  sealedFileRoutes(context);
  fileChangesRoute(context);
  reconciliationRoutes(context);
  reconciliationUploadRoutes(context);
  reconciliationLineRoutes(context);
  customerRoutes(context);
  productRoutes(context);
  licenceRoutes(context);
  discountPolicyRoutes(context);
  proposalRoutes(context);
  scheduleTestRoute(context);
  deliveryRoutes(context);
  deliverySettingsRoutes(context);
  sourceRoutes(context);
  sourceBindingRoutes(context);
  linkRoutes(context);
  ratePlanRoutes(context);
  payerRoutes(context);
  chargeRoutes(context);
  ledgerRoutes(context);
  periodLockRoutes(context);
  keyRoutes(context);
  await ingestRoutes(context);
  ingestBatchRoutes(context);
  ingestKeyRoutes(context);
  await mirrorRoutes(context);
  mirrorCommitRoutes(context);
  datasetSettingsRoutes(context);
  await rejectRoutes(context);
  memberRoutes(context);
  connectorRoutes(context);
  triggerRoutes(context);
  healthRoutes(context);
  pageRoutes(context);
  await serveOpenApi(server);
  await server.ready();
  return server;
}

async function secureHeaders(server: ApiServer, publicUrl: string): Promise<void> {
  const secure = publicUrl.startsWith('https:');
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        scriptSrc: ["'self'"],
        scriptSrcAttr: ["'none'"],
        styleSrc: ["'self'"],
        ...(secure ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    strictTransportSecurity: secure,
    xFrameOptions: { action: 'deny' },
  });
}

/** What is not HTTP, too large in its head or too slow never becomes a request; answer and close. */
function answerBrokenRequest(
  error: Error & { code?: string },
  socket: Socket,
  publicUrl: string,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, title, problem] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? [
          408,
          'Request Timeout',
          new DaybookError('E_TIMEOUT', { where: 'request', expected: 'time' }),
        ]
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? [
            431,
            'Request Header Fields Too Large',
            new DaybookError('E_TOO_LARGE', {
              where: 'URL and headers',
              got: 'more',
              expected: `${HEAD_BYTES} bytes`,
            }),
          ]
        : [
            400,
            'Bad Request',
            new DaybookError('E_USAGE', { where: 'request', got: 'no HTTP', expected: 'HTTP/1.1' }),
          ];
  const body = JSON.stringify({ ...problemOf(problem, publicUrl, randomUUID()), status, title });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroySoon(),
  );
}
