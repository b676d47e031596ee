import type { FastifyRequest } from 'fastify';
import { DaybookError } from '../../errors.ts';
import type { BodyForm } from '../../ingest/signed/pack-body.ts';

/** How a body says that it holds rows. The headers are read as they came, so that no spelling slips by. */

const TYPE =
  /^application\/(json|x-ndjson|ndjson|jsonl|x-jsonl)(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/** @throws DaybookError `E_MEDIA_TYPE` */
export function bodyFormOf(request: FastifyRequest): BodyForm {
  const type = request.headers['content-type'];
  const kind = TYPE.exec(type ?? '')?.[1].toLowerCase();
  if (kind === undefined) {
    throw refusedType('Content-Type', type, 'application/x-ndjson or application/json');
  }
  const coding = request.headers['content-encoding'];
  const isGzip = /^(?:x-)?gzip$/i.test(coding ?? '');
  if (!isGzip && coding !== undefined && !/^identity$/i.test(coding)) {
    throw refusedType('Content-Encoding', coding, 'gzip or none');
  }
  return { layout: kind === 'json' ? 'array' : 'lines', isGzip };
}

function refusedType(where: string, got: string | undefined, expected: string): DaybookError {
  return new DaybookError('E_MEDIA_TYPE', {
    where,
    got: got === undefined ? 'nothing' : JSON.stringify(got.slice(0, 200)),
    expected,
  });
}
