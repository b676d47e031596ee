import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { mediaTypeOf } from '../../reports/render/media-types.ts';
import { FORMATS } from '../../reports/request.ts';
import type { FileRow } from '../../store/files.ts';
import type { RunRow } from '../../store/runs.ts';
import { actorOf } from '../access.ts';
import { namesTag, parseByteRange } from '../byte-range.ts';
import { attachmentOf } from '../file-name.ts';
import { requireRun } from '../run-lookup.ts';
import { gone, openStoredFile } from '../stored-file.ts';
import { isAvailable } from '../views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** By what a client sees of them: parameters of a type are not told apart. */
const ANY_FORMAT = Object.fromEntries(
  FORMATS.map((format) => [mediaTypeOf(format).split(';', 1)[0], { schema: z.unknown() }]),
);

/** Downloads: the file of a finished export, whole or in part. HEAD answers alike. */
export function exportFileRoute({ server, deps }: RouteContext): void {
  server.route({
    method: ['GET', 'HEAD'],
    url: '/v1/exports/:id/file',
    config: { access: 'exports.read' },
    schema: {
      tags: ['exports'],
      summary: 'The file of a finished export',
      headers: TENANT_HEADERS,
      params: z.object({ id: z.string() }),
      response: {
        200: { description: 'The file.', content: ANY_FORMAT },
        206: { description: 'The range that was asked for.', content: ANY_FORMAT },
        304: z.null().describe('The file is the one of `If-None-Match`.'),
        ...PROBLEMS,
      },
    },
    handler: async (request, reply) => {
      const { tenant } = actorOf(request);
      const found = await requireRun(deps.database, tenant.id, request.params.id);
      const file = finishedFile(found.run, found.file, deps.now());
      const etag = `"${file.sha256}"`;
      reply.headers({
        etag,
        'last-modified': new Date(file.createdAt).toUTCString(),
        'cache-control': 'private, no-cache',
        'accept-ranges': 'bytes',
        // A file is what it says it is, and never a page of this site.
        'content-security-policy': "default-src 'none'; sandbox",
      });
      if (namesTag(request.headers['if-none-match'], etag)) return reply.code(304).send(null);

      const ifRange = request.headers['if-range'];
      const rangeHolds = ifRange === undefined || ifRange === etag;
      const isHead = request.method === 'HEAD';
      const range = parseByteRange(
        rangeHolds && !isHead ? request.headers.range : undefined,
        file.bytes,
      );
      if (range.kind === 'unsatisfiable') {
        throw new DaybookError('E_RANGE', {
          where: 'Range',
          got: JSON.stringify(request.headers.range?.slice(0, 100)),
          expected: `bytes within 0-${file.bytes - 1}`,
          bytes: file.bytes,
        });
      }
      const part = range.kind === 'part' ? range : { first: 0, last: file.bytes - 1 };
      const handle = await openStoredFile(deps.home, file);
      reply.code(range.kind === 'part' ? 206 : 200).headers({
        'content-type': file.mediaType,
        'content-disposition': attachmentOf(file.name),
        'content-length': part.last - part.first + 1,
        ...(range.kind === 'part'
          ? { 'content-range': `bytes ${part.first}-${part.last}/${file.bytes}` }
          : {}),
      });
      if (isHead || file.bytes === 0) {
        await handle.close();
        return reply.send();
      }
      return reply.send(
        handle.createReadStream({ start: part.first, end: part.last, highWaterMark: 1 << 18 }),
      );
    },
  });
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
