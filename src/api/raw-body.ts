import type { FastifyRequest } from 'fastify';
import { DaybookError } from '../errors.ts';
import type { BodyBudget } from './body-budget.ts';
import type { ApiServer } from './routes/context.ts';

/** Bodies that a route reads itself, byte for byte as they were sent. */

/** A part of the server whose routes read their bodies themselves; they say so in their config. */
export async function withOwnBodies(
  server: ApiServer,
  routes: (scope: ApiServer) => void,
): Promise<void> {
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    routes(scope as unknown as ApiServer);
  });
}

/**
 * The pieces of a body, each shown to `onPiece` as it comes. What is longer than `mostBytes` is
 * refused by its announced length, or as soon as it is.
 * @throws DaybookError `E_TOO_LARGE`; `E_RATE_LIMITED` when too much is under way, `E_TIMEOUT` when
 * it is and this one comes slowly; `E_USAGE` when it is cut off
 */
export async function readRawBody(
  request: Pick<FastifyRequest, 'headers' | 'raw'>,
  mostBytes: number,
  budget: BodyBudget,
  onPiece: (piece: Buffer) => void = () => {},
): Promise<{ readonly pieces: Buffer[]; release(): void }> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > mostBytes) throw tooLarge(`${announced} bytes`, mostBytes);
  const pieces: Buffer[] = [];
  let giveWay: (reason: DaybookError) => void = () => {};
  const gaveWay = new Promise<never>((_, reject) => {
    giveWay = reject;
  });
  gaveWay.catch(() => {});
  const body = budget.begin(giveWay);
  const coming = (request.raw as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value: piece } = await Promise.race([coming.next(), gaveWay]);
      if (done) break;
      if (body.bytes + piece.length > mostBytes)
        throw tooLarge(`more than ${mostBytes} bytes`, mostBytes);
      budget.take(body, piece.length);
      onPiece(piece);
      pieces.push(piece);
    }
  } catch (error) {
    budget.end(body);
    if (error instanceof DaybookError) throw error;
    // The client is gone; the answer goes nowhere.
    throw new DaybookError(
      'E_USAGE',
      { where: 'body', got: 'a body that was cut off', expected: 'all of it' },
      error,
    );
  }
  body.isWhole = true;
  return { pieces, release: () => budget.end(body) };
}

function tooLarge(got: string, mostBytes: number): DaybookError {
  return new DaybookError('E_TOO_LARGE', { where: 'body', got, expected: `${mostBytes} bytes` });
}
