import type { FastifyError, FastifyRequest } from 'fastify';
import { DaybookError, toDaybookError } from '../errors.ts';
import { BODY_BYTES } from './json-body.ts';

/** What Fastify or anything below threw, as an error of ours. */
export function fromFramework(thrown: unknown, request: FastifyRequest): DaybookError {
  if (thrown instanceof DaybookError) return thrown;
  const { code = '', message, statusCode } = thrown as Partial<FastifyError>;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new DaybookError('E_TOO_LARGE', {
        where: 'body',
        got: `${request.headers['content-length'] ?? `more than ${BODY_BYTES}`} bytes`,
        expected: `${BODY_BYTES} bytes`,
      });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return usage('Content-Length', 'a length that the body does not have', 'its length');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new DaybookError('E_MEDIA_TYPE', {
        where: 'Content-Type',
        got: JSON.stringify(request.headers['content-type'] ?? null),
        expected: 'application/json',
      });
    case 'FST_ERR_BAD_URL':
      return usage(
        'URL',
        JSON.stringify(request.url.slice(0, 200)),
        'well-formed percent-encoding',
      );
    case 'FST_ERR_MAX_PARAM_LENGTH':
    case 'FST_ERR_NOT_FOUND':
      return notFound(request);
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return usage('request', code, message ?? 'a well-formed request');
  }
  return toDaybookError(thrown);
}

/** Fastify looks at the headers of a QUERY before it looks whether anything takes one. */
export function saysUnknownMethod(thrown: unknown): boolean {
  return (thrown as Partial<FastifyError>)?.code === 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE';
}

/** Nothing is at this address, or nothing that takes this method. */
export function unmatched(
  request: FastifyRequest,
  methodsOf: (path: string) => readonly string[],
): DaybookError {
  const methods = methodsOf(request.url.split('?', 1)[0]);
  if (methods.length === 0) return notFound(request);
  return new DaybookError('E_METHOD', {
    where: 'method',
    got: request.method,
    expected: methods.join(', '),
  });
}

function notFound(request: FastifyRequest): DaybookError {
  return new DaybookError('E_NOT_FOUND', {
    what: 'address',
    got: JSON.stringify(request.url.split('?', 1)[0].slice(0, 200)),
  });
}

function usage(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_USAGE', { where, got, expected });
}
