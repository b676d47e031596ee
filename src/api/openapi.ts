import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { ApiServer } from './routes/context.ts';

/** The description of the API, made from its routes, and a page of it without foreign hosts. */

/** The page's routes are made by its library, and open to all. */
export const DOCS_PATH = '/docs';

/** Registers the collector; must come before the routes. */
export async function collectOpenApi(server: ApiServer, publicUrl: string): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Daybook',
        version: '1',
        description:
          'A period in, a file out: reports over tenant-local days. Errors are problem documents (RFC 9457).',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: publicUrl }],
      tags: [
        { name: 'reports', description: 'What can be asked for, and totals for charts' },
        { name: 'exports', description: 'Files over a period' },
        { name: 'runs', description: 'Every production of a report' },
        { name: 'reconciliations', description: "A carrier's rows against our charges" },
        { name: 'sales', description: 'Customers, products, licences, discounts, proposals' },
        { name: 'rating', description: 'Rate plans, payers, and what calls were charged' },
        { name: 'ledger', description: 'Accounts, entries, statements, locked periods' },
        { name: 'sources', description: 'Foreign databases, and whose rows stand there' },
        { name: 'ingest', description: 'Signed batches of rows, their queue and their keys' },
        { name: 'connectors', description: 'Rows fetched from other APIs; secret addresses' },
        { name: 'rejects', description: 'Rows that were refused, and their way back' },
        { name: 'keys', description: 'API keys of the tenant' },
        { name: 'members', description: 'Who works for the tenant' },
        { name: 'health', description: 'For platforms' },
      ],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'An API key (`dbk_…`) or a Supabase user token.',
          },
          signature: {
            type: 'apiKey',
            in: 'header',
            name: 'webhook-signature',
            description: 'Standard Webhooks; or what the scheme of the key says.',
          },
        },
      },
    },
    transform: ({ route, ...rest }) => {
      const { schema, url } = jsonSchemaTransform({ route, ...rest });
      const access = route.config?.access;
      const openTo = route.config?.isSigned ? { security: [{ signature: [] }] } : {};
      const security =
        access === 'public' ? openTo : { security: [{ bearer: [] }], 'x-daybook-action': access };
      return { schema: { ...schema, ...security }, url };
    },
    transformObject: jsonSchemaTransformObject,
  });
}

/** `/openapi.json`, and `/docs` with what it loads. */
export async function serveOpenApi(server: ApiServer): Promise<void> {
  const open = { config: { access: 'public' as const }, schema: { hide: true } };
  server.get('/openapi.json', open, async (_, reply) =>
    reply
      .type('application/json')
      .header('cache-control', 'no-cache')
      .send(JSON.stringify(server.swagger())),
  );
  await server.register(swaggerUi, {
    routePrefix: DOCS_PATH,
    uiConfig: { docExpansion: 'list', deepLinking: true, persistAuthorization: false },
    theme: {
      title: 'Daybook API',
      // Its bar bears another product's name and a field for other descriptions.
      css: [{ filename: 'page.css', content: '.swagger-ui .topbar { display: none }' }],
    },
  });
}
