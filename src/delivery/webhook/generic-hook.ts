import { type HookMessage, totalsByKey } from './hook-message.ts';
import { signedHeaders } from './standard-webhooks.ts';

/**
 * The form of generic webhooks: JSON, signed after Standard Webhooks 1.0.
 * @param keys the tenant's secrets, the newest first; one behind it while it is being replaced
 */
export function genericHook(
  message: HookMessage,
  keys: readonly Buffer[],
): { readonly body: Buffer; readonly headers: Record<string, string> } {
  const body = Buffer.from(JSON.stringify(payloadOf(message)));
  return { body, headers: signedHeaders({ id: message.id, at: message.at, body, keys }) };
}

function payloadOf({ type, at, tenant, schedule, reports, notice }: HookMessage) {
  return {
    type,
    timestamp: new Date(at).toISOString(),
    data: {
      tenant,
      schedule,
      notice: notice && { title: notice.title, text: notice.lines.join('\n') },
      reports: reports.map(({ document, sha256, file, marks }) => ({
        report: document.report,
        title: document.title,
        period: document.period,
        zones: document.zones,
        irregular_days: document.irregularDays.map(({ date, zone, hours, startsAt }) => ({
          ...{ date, zone, hours, starts_at: startsAt },
        })),
        data_as_of: document.dataAsOf === null ? null : new Date(document.dataAsOf).toISOString(),
        revision: document.revision,
        incomplete: marks.includes('incomplete'),
        late: marks.includes('late'),
        rows: document.rows,
        totals: totalsByKey(document),
        file: {
          name: file.name,
          bytes: file.bytes,
          sha256,
          ...(file.way === 'link'
            ? { url: file.url, url_expires_at: new Date(file.until).toISOString() }
            : {}),
        },
      })),
    },
  };
}
