import type { FastifyReply, FastifyRequest } from 'fastify';
import { DaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type Action, demand } from '../principals/permissions.ts';
import type { Actor } from './authenticate.ts';
import type { RateLimit } from './deps.ts';
import { DOCS_PATH } from './openapi.ts';
import type { ApiServer } from './routes/context.ts';

/** Every route says who may use it; every request is held to that before its body is read. */

/** What a route needs: an action of the permission table, or nothing at all. */
export type Access = Action | 'public';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** Takes forms, as a browser or a mail program posts them; what they hold is not read. */
    takesForms?: boolean;
    /** Open to whoever signs the request; the route checks that. */
    isSigned?: boolean;
    /** Reads the body itself, as it comes: its form and its size are the route's own business. */
    readsOwnBody?: boolean;
  }
  interface FastifyRequest {
    /** Set for every route that is not public. */
    actor: Actor | null;
  }
}

export function guardRoutes(
  server: ApiServer,
  options: {
    authenticate: (authorization: string | undefined, tenant: string | undefined) => Promise<Actor>;
    rateLimit: RateLimit;
    log: Logger;
  },
): void {
  server.decorateRequest('actor', null);
  server.addHook('onRoute', (route) => {
    if (route.url === DOCS_PATH || route.url.startsWith(`${DOCS_PATH}/`)) {
      route.config = { ...route.config, access: 'public' };
    }
    if (route.config?.access === undefined) {
      throw new DaybookError('E_INTERNAL', {
        reason: `route ${String(route.method)} ${route.url} does not say who may use it`,
      });
    }
  });
  server.addHook('onRequest', async (request, reply) => {
    const access = request.routeOptions.config.access;
    if (request.is404 || access === 'public') return;
    reply.header('cache-control', 'no-store');
    const chosen = request.headers['x-daybook-tenant'];
    try {
      request.actor = await options.authenticate(
        request.headers.authorization,
        Array.isArray(chosen) ? chosen.join(',') : chosen,
      );
    } catch (error) {
      // Guessing is bounded by address; who has a good token never comes here.
      if (error instanceof DaybookError && error.code === 'E_UNAUTHENTICATED') {
        await spendOne(options, reply, `address:${request.ip}`, 'this address');
      }
      throw error;
    }
    const { tenant, principal } = request.actor;
    await spendOne(options, reply, `tenant:${tenant.id}`, `tenant ${tenant.name}`);
    if (access === undefined) {
      throw new DaybookError('E_INTERNAL', { reason: 'a route without access' });
    }
    demand(principal, access);
  });
}

/** The actor of a route that is not public. */
export function actorOf(request: FastifyRequest): Actor {
  if (request.actor === null) {
    throw new DaybookError('E_INTERNAL', { reason: 'a public route asked who acts' });
  }
  return request.actor;
}

/** @throws DaybookError `E_RATE_LIMITED` */
export async function spendOne(
  { rateLimit, log }: { rateLimit: RateLimit; log: Logger },
  reply: FastifyReply,
  key: string,
  who: string,
): Promise<void> {
  try {
    const left = await rateLimit.consume(key);
    writeLimits(reply, rateLimit.points, left);
  } catch (refusal) {
    if (refusal instanceof Error) {
      // A store that does not answer must not shut the door to everyone.
      log.warn({ error: refusal.message }, 'the rate limit could not be asked');
      return;
    }
    const left = refusal as { msBeforeNext: number; remainingPoints: number };
    writeLimits(reply, rateLimit.points, left);
    throw new DaybookError('E_RATE_LIMITED', {
      who,
      retryAfterSeconds: Math.max(1, Math.ceil(left.msBeforeNext / 1000)),
    });
  }
}

function writeLimits(
  reply: FastifyReply,
  points: number,
  left: { msBeforeNext: number; remainingPoints: number },
): void {
  reply.headers({
    'ratelimit-limit': points,
    'ratelimit-remaining': Math.max(0, left.remainingPoints),
    'ratelimit-reset': Math.max(0, Math.ceil(left.msBeforeNext / 1000)),
  });
}
