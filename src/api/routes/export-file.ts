import { z } from 'zod';
import { mediaTypeOf } from '../../reports/render/media-types.ts';
import { FORMATS } from '../../reports/request.ts';
import { isFinal } from '../../store/runs.ts';
import { actorOf } from '../access.ts';
import { awaitArtifact } from '../growing-file.ts';
import { waitSecondsOf } from '../prefer.ts';
import { requestSignal } from '../request-signal.ts';
import { readableRun } from '../run-lookup.ts';
import { watchRun } from '../run-watch.ts';
import { sendFinished } from '../send-finished.ts';
import { sendGrowing } from '../send-growing.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** By what a client sees of them: parameters of a type are not told apart. */
const ANY_FORMAT = Object.fromEntries(
  FORMATS.map((format) => [mediaTypeOf(format).split(';', 1)[0], { schema: z.unknown() }]),
);

/**
 * Downloads: the file of an export, whole or in part, coded or plain; while it is still being made,
 * to who says that it waits. HEAD answers alike, without the bytes.
 */
export function exportFileRoute({ server, deps, closing }: RouteContext): void {
  server.route({
    method: ['GET', 'HEAD'],
    url: '/v1/exports/:id/file',
    config: { access: 'exports.read' },
    schema: {
      tags: ['exports'],
      summary: 'The file of an export',
      description:
        'The file of a finished export. CSV and NDJSON come with `Content-Encoding: gzip` to who ' +
        'accepts it, which is how they are stored; each coding has an `ETag` of its own, and a ' +
        '`Range` is one of the bytes as they are sent. With `Prefer: wait=N` an export that is ' +
        'queued or running is waited for up to N seconds, and its file is sent while it is still ' +
        'being made: chunked, whole, and broken off if the file is given up. It is finished when ' +
        'the answer is.',
      headers: TENANT_HEADERS.extend({
        prefer: z
          .string()
          .optional()
          .describe('`wait=N` waits up to N seconds (at most 60) for the first bytes.'),
        'accept-encoding': z.string().optional().describe('`gzip`, with or without weights.'),
      }),
      params: z.object({ id: z.string() }),
      response: {
        200: { description: 'The file.', content: ANY_FORMAT },
        206: { description: 'The range that was asked for.', content: ANY_FORMAT },
        304: z.null().describe('The file is the one of `If-None-Match`.'),
        ...PROBLEMS,
      },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request);
      const { tenant } = actor;
      const { id } = request.params;
      const look = () => readableRun(deps.database, actor, id);
      const waitSeconds = waitSecondsOf(request.headers.prefer);
      if (waitSeconds === 0) return sendFinished(request, reply, deps, await look());

      reply.header('preference-applied', `wait=${waitSeconds}`);
      const signal = requestSignal(reply.raw, closing);
      const watch = watchRun(deps.progress, id, signal);
      try {
        const found = await look();
        if (isFinal(found.run.state)) return await sendFinished(request, reply, deps, found);
        const artifact = await awaitArtifact({
          ...{ watch, look, signal, home: deps.home, now: deps.now, waitMs: waitSeconds * 1000 },
          // Without chunks nothing would tell a file that broke off from a whole one.
          growing: request.raw.httpVersion !== '1.0',
        });
        if (artifact === null) return await sendFinished(request, reply, deps, await look());
        const { run } = found;
        return await sendGrowing(request, reply, deps, { run, tenant, artifact, look, closing });
      } finally {
        watch.close();
      }
    },
  });
}
