import type { FastifyRequest } from 'fastify';
import { DaybookError } from '../errors.ts';
import type { ApiServer } from './routes/context.ts';

/** Bodies that a route reads itself, byte for byte as they were sent. */

/** Bytes that a process holds of all bodies under way. */
export interface BodyBudget {
  readonly most: number;
  held: number;
}

const BUSY_RETRY_SECONDS = 2;

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
 * @throws DaybookError `E_TOO_LARGE`; `E_BUSY` when too much is under way; `E_USAGE` when it is cut off
 */
export async function readRawBody(
  request: FastifyRequest,
  mostBytes: number,
  budget: BodyBudget,
  onPiece: (piece: Buffer) => void = () => {},
): Promise<{ readonly pieces: Buffer[]; release(): void }> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > mostBytes) throw tooLarge(`${announced} bytes`, mostBytes);
  const pieces: Buffer[] = [];
  let length = 0;
  const release = () => {
    budget.held -= length;
    length = 0;
  };
  try {
    for await (const piece of request.raw as AsyncIterable<Buffer>) {
      if (length + piece.length > mostBytes)
        throw tooLarge(`more than ${mostBytes} bytes`, mostBytes);
      if (budget.held + piece.length > budget.most) {
        throw new DaybookError('E_BUSY', {
          got: 'too many bodies are under way',
          retryAfterSeconds: BUSY_RETRY_SECONDS,
        });
      }
      length += piece.length;
      budget.held += piece.length;
      onPiece(piece);
      pieces.push(piece);
    }
  } catch (error) {
    release();
    if (error instanceof DaybookError) throw error;
    // The client is gone; the answer goes nowhere.
    throw new DaybookError(
      'E_USAGE',
      { where: 'body', got: 'a body that was cut off', expected: 'all of it' },
      error,
    );
  }
  return { pieces, release };
}

function tooLarge(got: string, mostBytes: number): DaybookError {
  return new DaybookError('E_TOO_LARGE', { where: 'body', got, expected: `${mostBytes} bytes` });
}
