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

/** As long as a runner that has to go works on what it has. */
const CLOSING_MS = 20_000;

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
    /** Aborts when the server begins to close. */
    readonly closing: AbortSignal;
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
  const patience = patienceWith(growing.closing);
  const signal = requestSignal(reply.raw, patience.signal);
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
    patience.end();
    await artifact.handle.close();
  }
}

/** A server that closes is not the end: the runs under way are finished first. */
function patienceWith(closing: AbortSignal): { readonly signal: AbortSignal; end(): void } {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer = setTimeout(() => over.abort(), CLOSING_MS);
  };
  closing.addEventListener('abort', begin);
  return {
    signal: over.signal,
    end: () => {
      clearTimeout(timer);
      closing.removeEventListener('abort', begin);
    },
  };
}
