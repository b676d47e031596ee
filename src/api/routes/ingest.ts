import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { INGEST_DATASETS, type IngestDataset } from '../../ingest/signed/ingest-datasets.ts';
import { bodyFormOf } from '../ingest/body-form.ts';
import { createReceiver } from '../ingest/receive.ts';
import { parseJsonBody } from '../json-body.ts';
import { withOwnBodies } from '../raw-body.ts';
import { PROBLEMS, type RouteContext } from './context.ts';

/** Signed batches come in. Who sends is known by the signature, not by an API key. */

const SIGNED = z.looseObject({
  'webhook-key-id': z.string().optional().describe('The key; or `?key=` in the address.'),
  'webhook-id': z.string().optional().describe('Names the batch, once for all within its source.'),
  'webhook-timestamp': z.string().optional().describe('Unix seconds, at most 300 off.'),
  'webhook-signature': z
    .string()
    .optional()
    .describe('`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, the bytes as sent.'),
});
const Params = z.object({ dataset: z.string() });
const Query = z.object({ key: z.string().max(100).optional() });
const Accepted = z.object({ batch: z.string().describe('See `/v1/ingest/batches/{id}`.') });
const Mark = z.strictObject({ complete_through: z.iso.datetime({ offset: true }) });

const config = { access: 'public' as const, isSigned: true, readsOwnBody: true };

export async function ingestRoutes({ server, deps, closing }: RouteContext): Promise<void> {
  const receive = createReceiver(deps, closing);
  await withOwnBodies(server, (scope) => {
    scope.post(
      '/v1/ingest/:dataset',
      {
        config,
        schema: {
          operationId: 'ingest',
          tags: ['ingest'],
          summary: 'Send rows, signed: NDJSON or a JSON array, gzip allowed',
          description:
            'Answered as soon as the batch stands durably; batches of a dataset are loaded in order. ' +
            'The same id and body again: the same answer. The same id with another body: 409.',
          headers: SIGNED,
          params: Params,
          querystring: Query,
          response: { 202: Accepted, ...PROBLEMS },
        },
      },
      async (request, reply) => {
        const dataset = datasetOf(request.params.dataset);
        const content = { kind: 'rows', form: bodyFormOf(request) } as const;
        return accepted(reply, await receive(request, reply, dataset, content));
      },
    );

    scope.post(
      '/v1/ingest/:dataset/complete',
      {
        config,
        schema: {
          operationId: 'markComplete',
          tags: ['ingest'],
          summary: 'Say, signed, that all rows up to an instant were sent: `{complete_through}`',
          description:
            'The mark moves when every batch before it is loaded; a dead one holds it up.',
          headers: SIGNED,
          params: Params,
          querystring: Query,
          response: { 202: Accepted, ...PROBLEMS },
        },
      },
      async (request, reply) => {
        const dataset = datasetOf(request.params.dataset);
        const { layout, isGzip } = bodyFormOf(request);
        if (layout !== 'array' || isGzip) {
          throw new DaybookError('E_MEDIA_TYPE', {
            where: 'Content-Type',
            got: JSON.stringify(request.headers['content-type']),
            expected: 'application/json, not compressed',
          });
        }
        const content = { kind: 'mark', read: readMark } as const;
        return accepted(reply, await receive(request, reply, dataset, content));
      },
    );
  });
}

function accepted(reply: FastifyReply, batch: string): { batch: string } {
  reply.code(202).headers({ location: `/v1/ingest/batches/${batch}`, 'cache-control': 'no-store' });
  return { batch };
}

/** @throws DaybookError `E_NOT_FOUND` */
function datasetOf(name: string): IngestDataset {
  const dataset = INGEST_DATASETS.find((each) => each === name);
  if (dataset) return dataset;
  throw new DaybookError('E_NOT_FOUND', {
    what: 'dataset',
    got: JSON.stringify(name.slice(0, 100)),
  });
}

function readMark(body: Buffer): number {
  const parsed = Mark.safeParse(parseJsonBody(body));
  if (parsed.success) return Date.parse(parsed.data.complete_through);
  throw new DaybookError('E_INVALID', {
    where: 'complete_through',
    got: 'no instant',
    expected: '{"complete_through": an instant with its offset}',
  });
}
