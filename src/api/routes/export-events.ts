import { z } from 'zod';
import { isFinal, type RunRow } from '../../store/runs.ts';
import { actorOf } from '../access.ts';
import type { RunProgress } from '../deps.ts';
import { beginEventStream } from '../event-stream.ts';
import { readableRun, requireRun } from '../run-lookup.ts';
import { watchRun } from '../run-watch.ts';
import { viewRun } from '../views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Looks at the row this often, besides the hints. */
const LOOK_MS = 2_000;
const HEARTBEAT_MS = 15_000;
/** Then the client connects again, and is asked again who it is. */
const LONGEST_STREAM_MS = 10 * 60_000;

/**
 * Progress as server-sent events: `progress` whenever it changes, `end` with the whole export when
 * it ended. Each event stands alone, so a `Last-Event-ID` needs no memory here.
 */
export function exportEventsRoute({ server, deps, closing }: RouteContext): void {
  const { database, now } = deps;
  server.get(
    '/v1/exports/:id/events',
    {
      config: { access: 'exports.read' },
      exposeHeadRoute: false,
      schema: {
        operationId: 'watchExport',
        tags: ['exports'],
        summary: 'Progress as server-sent events',
        headers: TENANT_HEADERS,
        params: z.object({ id: z.string() }),
        response: {
          200: {
            description: 'Events `progress` {status, days, rows_read}, at last `end` (an export).',
            content: { 'text/event-stream': { schema: z.string() } },
          },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const actor = actorOf(request);
      const { tenant } = actor;
      const { id } = request.params;
      let found = await readableRun(database, actor, id);
      reply.hijack();
      const stream = beginEventStream(reply.raw, reply.getHeaders(), closing);
      const watch = watchRun(deps.progress, found.run.id, stream.signal);
      const startedAt = now();
      let lookedAt = startedAt;
      let sentAt = startedAt;
      let sent = '';
      try {
        let progress = progressOf(found.run);
        while (!stream.signal.aborted && now() - startedAt < LONGEST_STREAM_MS) {
          const data = { status: progress.state, days: progress.days, rows_read: progress.rows };
          if (JSON.stringify(data) !== sent) {
            sent = JSON.stringify(data);
            sentAt = now();
            await stream.send('progress', data);
          } else if (now() - sentAt >= HEARTBEAT_MS) {
            sentAt = now();
            await stream.heartbeat();
          }
          if (isFinal(found.run.state)) {
            await stream.send('end', viewRun(found.run, found.file, tenant, now()));
            break;
          }
          const hint = await watch.next(LOOK_MS);
          if (hint && !isFinal(hint.state) && now() - lookedAt < LOOK_MS) {
            progress = hint;
            continue;
          }
          // The end is told from the row alone, once it is committed.
          lookedAt = now();
          found = await requireRun(database, tenant.id, id);
          progress = progressOf(found.run);
        }
      } catch (error) {
        request.log.warn({ error: (error as Error).message }, 'a stream of events broke off');
      } finally {
        watch.close();
        stream.end();
      }
    },
  );
}

function progressOf(run: RunRow): RunProgress {
  return {
    runId: run.id,
    state: run.state,
    days: { total: run.daysTotal, done: run.daysDone, cached: run.daysCached },
    rows: run.rowsRead,
    artifact: null,
  };
}
