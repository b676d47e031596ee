import { z } from 'zod';
import { DaybookError, toDaybookError } from '../../errors.ts';
import type { ApiDeps } from '../deps.ts';
import { PROBLEM_MEDIA_TYPE, problemOf } from '../problem.ts';
import { PROBLEMS, type RouteContext } from './context.ts';

/** Liveness, readiness and metrics, for platforms. They name no tenant. */

const CHECK_MS = 3_000;

const Readiness = z.object({
  status: z.enum(['ready', 'not ready']),
  checks: z.record(z.string(), z.string()).describe('`ok`, or that it does not answer.'),
});

export function healthRoutes({ server, deps, closing }: RouteContext): void {
  server.get(
    '/healthz',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'alive',
        tags: ['health'],
        summary: 'The process answers; asks nothing else',
        response: { 200: z.object({ status: z.literal('alive') }), ...PROBLEMS },
      },
    },
    async () => ({ status: 'alive' as const }),
  );

  server.get(
    '/readyz',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'ready',
        tags: ['health'],
        summary: 'The database and the runner answer',
        response: { 200: Readiness, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const checks = await readinessOf(deps, closing, (name, error) =>
        request.log.warn({ check: name, error: error.message }, 'not ready'),
      );
      const failing = Object.keys(checks).filter((name) => checks[name] !== 'ok');
      if (failing.length === 0) return { status: 'ready' as const, checks };
      const error = new DaybookError('E_UNAVAILABLE', {
        what: failing.join(', '),
        reason: 'see the log',
      });
      const problem = { ...problemOf(error, deps.publicUrl, request.id), checks };
      return reply
        .code(error.status)
        .header('retry-after', '2')
        .type(PROBLEM_MEDIA_TYPE)
        .serializer((body: unknown) => JSON.stringify(body))
        .send(problem as never);
    },
  );

  server.get(
    '/metrics',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'metrics',
        tags: ['health'],
        summary: 'Metrics in the text format of Prometheus',
        response: {
          200: { description: 'Metrics.', content: { 'text/plain': { schema: z.string() } } },
          ...PROBLEMS,
        },
      },
    },
    async (_, reply) => {
      const text = await (deps.collectMetrics?.() ?? deps.metrics.metrics());
      return reply
        .type(deps.metrics.contentType)
        .serializer((body: unknown) => String(body))
        .send(text);
    },
  );
}

/** Each check by name: `ok`, or in words that tell nothing of hosts and accounts. */
export async function readinessOf(
  deps: ApiDeps,
  closing: AbortSignal,
  onFailure: (name: string, error: Error) => void = () => {},
): Promise<Record<string, string>> {
  const checks = [
    {
      name: 'database',
      check: () =>
        deps.database.asSystem(async (tx) => void (await tx.query('select 1')), {
          readOnly: true,
          statementTimeoutMs: CHECK_MS,
        }),
    },
    ...(deps.readiness ?? []),
    {
      name: 'server',
      check: async () => {
        if (closing.aborted) throw new Error('it is closing');
      },
    },
  ];
  const answers = await Promise.all(
    checks.map(async ({ name, check }) => {
      try {
        await inTime(check());
        return [name, 'ok'];
      } catch (thrown) {
        onFailure(name, toDaybookError(thrown));
        return [name, 'does not answer'];
      }
    }),
  );
  return Object.fromEntries(answers);
}

async function inTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${CHECK_MS} ms`)), CHECK_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
