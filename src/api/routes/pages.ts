import { ERRORS } from '../../errors.ts';
import { escapeHtml, page, STYLE } from '../html.ts';
import type { RouteContext } from './context.ts';
import { readinessOf } from './health.ts';

/** The few pages that people see: the first one, and the list of error codes. */
export function pageRoutes({ server, deps, closing }: RouteContext): void {
  const hidden = { config: { access: 'public' as const }, schema: { hide: true } };

  server.get('/', hidden, async (_, reply) => {
    const checks = await readinessOf(deps, closing);
    const rows = Object.entries(checks).map(
      ([name, state]) =>
        `<tr><td>${escapeHtml(name)}</td><td class="${state === 'ok' ? 'ok' : 'bad'}">${escapeHtml(state)}</td></tr>`,
    );
    return reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(
        page(
          'Daybook',
          `<h1>Daybook</h1>
<p>Scheduled reports and ETL for companies that bill by the minute.</p>
<ul>
<li><a href="/docs">The HTTP API, to read and to try</a></li>
<li><a href="/openapi.json">Its description, OpenAPI 3.1</a></li>
<li><a href="/errors">Error codes</a></li>
</ul>
<h2>Health</h2>
<table>
${rows.join('\n')}
</table>`,
        ),
      );
  });

  server.get('/errors', hidden, async (_, reply) => {
    const rows = Object.entries(ERRORS).map(
      ([code, { status, retryable, template }]) =>
        `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${retryable ? 'yes' : 'no'}</td><td>${escapeHtml(template)}</td></tr>`,
    );
    return reply.type('text/html; charset=utf-8').send(
      page(
        'Error codes',
        `<h1>Error codes</h1>
<table>
<tr><th>Code</th><th>Status</th><th>Try again?</th><th>Says</th></tr>
${rows.join('\n')}
</table>`,
      ),
    );
  });

  server.get('/style.css', hidden, async (_, reply) =>
    reply.type('text/css; charset=utf-8').header('cache-control', 'max-age=3600').send(STYLE),
  );
}
