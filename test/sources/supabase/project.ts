import { once } from 'node:events';
import { createServer, request } from 'node:http';

/** What becomes of a request's answer. */
export type Way = 'pass' | 'cut' | 'fail' | 'empty' | 'drop-last';

export type Meddle = (asked: {
  readonly url: URL;
  /** Among those for rows of a page, counted from 1; 0: it asks for something else. */
  readonly page: number;
}) => Promise<Way> | Way;

/** A Supabase project's front: PostgREST stands behind `/rest/v1`. */
export interface Project {
  readonly url: string;
  meddle: Meddle;
  close(): Promise<void>;
}

/** Must be closed. */
export async function openProject(postgrestUrl: string): Promise<Project> {
  let pages = 0;
  const server = createServer(async (asked, answer) => {
    const url = new URL(asked.url ?? '', 'http://project');
    const isPage = url.searchParams.get('limit') === '10000';
    if (isPage) pages += 1;
    const way = await project.meddle({ url, page: isPage ? pages : 0 });
    if (way === 'fail') {
      answer.writeHead(503, { 'content-type': 'text/html' }).end('<html>busy</html>');
      return;
    }
    const path = `${url.pathname.replace('/rest/v1', '')}${url.search}`;
    const behind = request(
      new URL(path, postgrestUrl),
      { method: asked.method, headers: { ...asked.headers, 'accept-encoding': 'identity' } },
      async (from) => {
        const parts: Buffer[] = [];
        for await (const part of from) parts.push(part as Buffer);
        const whole = Buffer.concat(parts);
        const headers = { ...from.headers };
        delete headers['transfer-encoding'];
        if (way === 'cut') {
          answer.writeHead(from.statusCode ?? 0, { ...headers, 'content-length': whole.length });
          answer.write(whole.subarray(0, whole.length / 2), () => answer.destroy());
          return;
        }
        const rows = way === 'empty' || way === 'drop-last' ? JSON.parse(String(whole)) : null;
        const kept = way === 'empty' ? [] : rows?.slice(0, -1);
        const body = rows === null ? whole : Buffer.from(JSON.stringify(kept));
        answer.writeHead(from.statusCode ?? 0, { ...headers, 'content-length': body.length });
        answer.end(body);
      },
    );
    behind.on('error', () => answer.destroy());
    asked.pipe(behind);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const project: Project = {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    meddle: () => 'pass',
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return project;
}
