import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import {
  downloadPath,
  isGoodDownload,
  readUnsubscribeToken,
  tokenSha256,
} from '../../delivery/links/link-tokens.ts';
import { sizeText } from '../../delivery/mail/mail-content.ts';
import { periodText } from '../../delivery/mail/report-facts.ts';
import { readContent } from '../../delivery/read-file.ts';
import { openStoredFile } from '../../delivery/stored-file.ts';
import { DaybookError } from '../../errors.ts';
import { noteDownload } from '../../store/download-links.ts';
import { findSchedule } from '../../store/schedules.ts';
import { suppress } from '../../store/suppressions.ts';
import { findTenant } from '../../store/tenants.ts';
import { attachmentOf } from '../file-name.ts';
import { escapeHtml, page } from '../html.ts';
import { type LinkedFile, openLink } from '../recipient-link.ts';
import { sendChunks } from '../send-chunks.ts';
import { isUuid } from '../uuid.ts';
import type { RouteContext } from './context.ts';

/**
 * What recipients open from their mails, without an account. Looking changes nothing: programs that
 * follow every link in a mail neither download nor unsubscribe.
 */

const hidden = { config: { access: 'public' as const }, schema: { hide: true } };

export function linkRoutes({ server, deps }: RouteContext): void {
  const { database, keys, now } = deps;

  server.get<{ Params: { token: string } }>('/d/:token', hidden, async (request, reply) => {
    const sha256 = tokenSha256(request.params.token);
    const found = await openLink(database, sha256 && { tokenSha256: sha256 }, now());
    return sendPage(reply, landingPage(found, downloadPath(keys, found.link.id, now())));
  });

  server.get<{ Params: { token: string }; Querystring: { expires: string; signature: string } }>(
    '/d/:token/file',
    {
      ...hidden,
      schema: {
        hide: true,
        querystring: z.object({
          expires: z.string().max(20).default(''),
          signature: z.string().max(100).default(''),
        }),
      },
    },
    async (request, reply) => {
      const { token: linkId } = request.params;
      const { expires, signature } = request.query;
      if (!isUuid(linkId) || !isGoodDownload(keys, { linkId, expires, signature }, now())) {
        throw new DaybookError('E_NOT_FOUND', { what: 'link', got: 'of that name' });
      }
      const { file, sealed, blocks, link } = await openLink(database, { id: linkId }, now());
      const handle = await openStoredFile(deps.home, file);
      try {
        reply.headers({
          'content-type': sealed.mediaType,
          'content-length': file.bytes,
          'content-disposition': attachmentOf(sealed.name),
          'cache-control': 'private, no-store',
          'x-robots-tag': 'noindex',
        });
        await database.asTenant(link.tenantId, (tx) => noteDownload(tx, link.id));
        if (file.bytes === 0) return await reply.send();
        const span = { first: 0, last: file.bytes - 1 };
        return await sendChunks(reply, readContent({ ...file, handle, blocks }, span));
      } finally {
        await handle.close();
      }
    },
  );

  server.get<{ Params: { token: string } }>(
    '/unsubscribe/:token',
    hidden,
    async (request, reply) => {
      const { recipient } = unsubscribing(request.params.token);
      // The one form of this site: it goes back to where it came from.
      reply.header(
        'content-security-policy',
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      );
      return sendPage(
        reply,
        page(
          'Unsubscribe',
          `<h1>No more of these mails</h1>
<p>${escapeHtml(recipient)} gets no more mails of this schedule once you say so.</p>
<form method="post"><button type="submit">Unsubscribe</button></form>`,
        ),
      );
    },
  );

  server.post<{ Params: { token: string } }>(
    '/unsubscribe/:token',
    { config: { access: 'public', takesForms: true }, schema: { hide: true } },
    async (request, reply) => {
      const { tenantId, scheduleId, recipient } = unsubscribing(request.params.token);
      await database.asTenant(tenantId, async (tx) => {
        // Of a tenant or schedule that is gone nothing comes any more.
        if (!(await findTenant(tx, tenantId))) return;
        if (!(await findSchedule(tx, scheduleId))) return;
        const detail = 'by the link in a mail';
        await suppress(tx, { tenantId, scheduleId, recipient, reason: 'unsubscribed', detail });
      });
      return sendPage(
        reply,
        page(
          'Unsubscribed',
          `<h1>Done</h1>
<p>${escapeHtml(recipient)} gets no more mails of this schedule.</p>`,
        ),
      );
    },
  );

  function unsubscribing(token: string) {
    const found = readUnsubscribeToken(keys, token);
    if (found) return found;
    throw new DaybookError('E_NOT_FOUND', { what: 'link', got: 'of that name' });
  }
}

function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .headers({ 'cache-control': 'no-store', 'x-robots-tag': 'noindex' })
    .send(html);
}

function landingPage({ file, sealed, link }: LinkedFile, path: string): string {
  const { document } = file;
  const until = new Date(link.expiresAt).toISOString().slice(0, 16).replace('T', ' ');
  return page(
    sealed.name,
    `<h1>${escapeHtml(document.title)}</h1>
<p>${escapeHtml(document.tenant)}, ${escapeHtml(periodText(document.period, document))} (${escapeHtml(document.zones.join(', '))})</p>
<p><a href="${escapeHtml(path)}" rel="nofollow">${escapeHtml(sealed.name)}</a>, ${escapeHtml(sizeText(sealed.bytes, 'en'))}</p>
<p>SHA-256 <code>${escapeHtml(sealed.sha256)}</code></p>
<p>This page works until ${until} UTC. The download link on it works for a quarter of an hour; load the page again for another.</p>`,
  );
}
