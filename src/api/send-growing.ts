import type { FastifyReply, FastifyRequest } from 'fastify';
import { gunzip } from '../delivery/inflate.ts';
import { fileNameOf, mediaTypeOf } from '../reports/render/media-types.ts';
import { codingOf } from '../reports/stored-form.ts';
import type { RunRow } from '../store/runs.ts';
import type { Tenant } from '../store/tenants.ts';
import type { ApiDeps } from './deps.ts';
import {
  contentHeadersOf,
  isKnown,
  type ServedFile,
  servedCoding,
  validatorsOf,
} from './file-head.ts';
import { followArtifact, type OpenedArtifact } from './growing-file.ts';
import { requestSignal } from './request-signal.ts';
import type { FoundRun } from './run-lookup.ts';
import { watchRun } from './run-watch.ts';
import { sendChunks } from './send-chunks.ts';

/** Answers with a file that is still being made, from its first byte on. A range is passed over. */
export async function sendGrowing(
  request: FastifyRequest,
  reply: FastifyReply,
  deps: ApiDeps,
  growing: {
    readonly run: RunRow;
    readonly tenant: Tenant;
    /** Is closed. */
    readonly artifact: OpenedArtifact;
    readonly look: () => Promise<FoundRun>;
  },
): Promise<FastifyReply> {
  const { run, tenant, artifact, look } = growing;
  const { report, period, format } = run.request;
  const file: ServedFile = {
    id: artifact.fileId,
    name: fileNameOf({ tenant: tenant.title, report, period, format }),
    mediaType: mediaTypeOf(format),
    coding: codingOf(format),
  };
  // The server's end is not this one's: the runs under way are finished first.
  const signal = requestSignal(reply.raw, new AbortController().signal);
  const watch = watchRun(deps.progress, run.id, signal);
  try {
    const coding = servedCoding(file, request.headers);
    reply.headers(validatorsOf(file, coding));
    if (isKnown(file, coding, request.headers)) return await reply.code(304).send(null);
    reply.code(200).headers(contentHeadersOf(file, coding));
    if (request.method === 'HEAD') return await reply.send();
    const stored = followArtifact({ artifact, watch, look, signal });
    return await sendChunks(reply, coding === file.coding ? stored : gunzip(stored));
  } finally {
    watch.close();
    await artifact.handle.close();
  }
}
