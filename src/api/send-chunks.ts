import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/**
 * Answers with chunks, each asked for when the connection has taken the one before, so that their
 * memory may be used again. The head goes out with the first of them: what fails before is a
 * problem as any. What fails later, or stops short, ends the connection: no half looks whole.
 */
export async function sendChunks(
  reply: FastifyReply,
  chunks: AsyncGenerator<Uint8Array>,
): Promise<FastifyReply> {
  try {
    let next = await chunks.next();
    reply.hijack();
    const response = reply.raw;
    try {
      // An error is followed by close.
      response.on('error', () => {});
      response.writeHead(reply.statusCode, headersOf(reply));
      for (; !next.done && !response.destroyed; next = await chunks.next()) {
        await written(response, next.value);
      }
      response.end();
    } catch (error) {
      reply.log.warn({ error: (error as Error).message }, 'an answer was broken off');
      response.destroy();
    }
  } finally {
    await chunks.return(undefined);
  }
  return reply;
}

/** Resolves when the connection has taken the chunk, or is gone. */
function written(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('close', done);
      resolve();
    };
    response.once('close', done);
    response.write(chunk, done);
  });
}

function headersOf(reply: FastifyReply): Record<string, string | number | string[]> {
  const entries = Object.entries(reply.getHeaders());
  return Object.fromEntries(entries.flatMap(([name, value]) => (value ? [[name, value]] : [])));
}
