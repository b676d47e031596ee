import { Histogram, type Registry } from 'prom-client';
import type { ApiServer } from './routes/context.ts';

/** Durations by route pattern, never by address: few series, and no tenant in them. */
export function measureRequests(server: ApiServer, registry: Registry): void {
  const name = 'daybook_http_request_seconds';
  const seconds =
    (registry.getSingleMetric(name) as Histogram | undefined) ??
    new Histogram({
      name,
      help: 'Time from the head of a request to the end of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers: [registry],
    });
  server.addHook('onResponse', async (request, reply) => {
    seconds.observe(
      {
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
      },
      reply.elapsedTime / 1000,
    );
  });
}
