import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Logger } from '../../log.ts';
import type { ApiDeps } from '../deps.ts';
import { PROBLEM_MEDIA_TYPE } from '../problem.ts';

/** What the routes share: the server's type, its dependencies, common schemas. */

export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  Logger,
  ZodTypeProvider
>;

export interface RouteContext {
  readonly server: ApiServer;
  readonly deps: ApiDeps;
  /** Aborts when the server begins to close: who waits gives up. */
  readonly closing: AbortSignal;
}

const ProblemView = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    retryable: z.boolean(),
    where: z.string().optional(),
    got: z.string().optional(),
    expected: z.string().optional(),
    errors: z
      .array(z.object({ where: z.string(), got: z.string(), expected: z.string() }))
      .optional(),
  })
  .meta({ id: 'Problem' });

/** For every operation's `response`. */
export const PROBLEMS = {
  default: {
    description: 'A problem document (RFC 9457); `code` says which, `where` names the field.',
    content: { [PROBLEM_MEDIA_TYPE]: { schema: ProblemView } },
  },
} as const;

/** What a key or a user's token is sent as; and who works on several tenants says for which. */
export const TENANT_HEADERS = z.looseObject({
  'x-daybook-tenant': z
    .string()
    .optional()
    .describe('Name or id of a tenant, for operators and for members of several tenants.'),
});
