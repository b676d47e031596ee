import type { FastifyReply, FastifyRequest } from 'fastify';
import { readContent, readStored } from '../delivery/read-file.ts';
import { gone, openStoredFile } from '../delivery/stored-file.ts';
import { DaybookError } from '../errors.ts';
import { LOOK_UP } from '../store/database.ts';
import { type FileRow, findBlocksOfFile } from '../store/files.ts';
import type { RunRow } from '../store/runs.ts';
import type { ApiDeps } from './deps.ts';
import {
  contentHeadersOf,
  etagOf,
  isKnown,
  servedCoding,
  validatorsOf,
  wantedSpan,
} from './file-head.ts';
import type { FoundRun } from './run-lookup.ts';
import { sendChunks } from './send-chunks.ts';
import { isAvailable } from './views.ts';

/**
 * Answers with the file of a run that has ended, or the part of it that is asked for.
 * @throws DaybookError that tells why there is none
 */
export async function sendFinished(
  request: FastifyRequest,
  reply: FastifyReply,
  deps: ApiDeps,
  found: FoundRun,
): Promise<FastifyReply> {
  const { headers, method } = request;
  const file = finishedFile(found.run, found.file, deps.now());
  const coding = servedCoding(file, headers);
  reply.headers({
    ...validatorsOf(file, coding),
    'last-modified': new Date(file.createdAt).toUTCString(),
  });
  if (isKnown(file, coding, headers)) return reply.code(304).send(null);

  const isStored = coding === file.coding;
  const total = isStored ? file.storedBytes : file.bytes;
  const part = method === 'HEAD' ? null : wantedSpan(headers, etagOf(file, coding), total);
  const span = part ?? { first: 0, last: total - 1 };
  const handle = await openStoredFile(deps.home, file);
  try {
    reply.code(part ? 206 : 200).headers({
      ...contentHeadersOf(file, coding),
      'content-length': span.last - span.first + 1,
      ...(part ? { 'content-range': `bytes ${part.first}-${part.last}/${total}` } : {}),
    });
    if (method === 'HEAD' || total === 0) return reply.send();
    const blocks = await deps.database.asTenant(
      file.tenantId,
      (tx) => findBlocksOfFile(tx, file.id),
      LOOK_UP,
    );
    const opened = { ...file, handle, blocks };
    return await sendChunks(reply, (isStored ? readStored : readContent)(opened, span));
  } finally {
    await handle.close();
  }
}

/** @throws DaybookError that tells why there is no file (yet, or any more). */
function finishedFile(run: RunRow, file: FileRow | null, nowMs: number): FileRow {
  switch (run.state) {
    case 'queued':
    case 'running':
      throw new DaybookError('E_CONFLICT', {
        where: 'status',
        reason: `the export is ${run.state}: ${run.daysDone} of ${run.daysTotal} days are done`,
      });
    case 'cancelled':
      throw new DaybookError('E_CANCELLED', { what: 'export', got: run.id });
    case 'failed':
      throw new DaybookError('E_CONFLICT', {
        where: 'status',
        reason: `the export failed (${run.errorCode ?? 'E_INTERNAL'}); it has no file`,
      });
    case 'done':
      break;
  }
  // It makes days ahead, and no file.
  if (run.workClass === 'precache') {
    throw new DaybookError('E_NOT_FOUND', { what: 'file of', got: run.id });
  }
  if (file === null) {
    throw new DaybookError('E_GONE', { what: 'file', got: run.id, reason: 'it was removed' });
  }
  if (!isAvailable(file, nowMs)) {
    throw gone(file, file.removedAt === null ? 'it expired' : 'it was removed');
  }
  return file;
}
