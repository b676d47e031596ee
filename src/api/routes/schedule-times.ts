import { z } from 'zod';
import { parseSchedule, withoutNulls } from '../../reports/parse-schedule.ts';
import { previewDueTimes } from '../../reports/schedule-preview.ts';
import { calendarOfSpec, firstDue } from '../../reports/schedule-rule.ts';
import { listOccurrences } from '../../store/occurrences.ts';
import { requireSchedule } from '../../store/schedules.ts';
import { dueTimeOf } from '../../time/recurrence.ts';
import { actorOf } from '../access.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import {
  DueView,
  OccurrenceState,
  OccurrenceView,
  viewDue,
  viewOccurrence,
} from '../schedule-views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { PageQuery } from './exports.ts';
import { ScheduleBody } from './schedule-body.ts';

/** When schedules are due, and what came of it. */

const Previewed = z.object({ items: z.array(DueView) });
const Params = z.object({ id: z.string().describe('Id or name.') });

export function scheduleTimeRoutes({ server, deps }: RouteContext): void {
  const { database, now } = deps;

  server.post(
    '/v1/schedules/preview',
    {
      config: { access: 'schedules.read' },
      schema: {
        operationId: 'previewSchedule',
        tags: ['schedules'],
        summary: 'The next ten due times of a schedule that is not saved yet',
        headers: TENANT_HEADERS,
        body: ScheduleBody,
        response: { 200: Previewed, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { name: _, ...raw } = request.body;
      const spec = parseSchedule(withoutNulls(raw), { locale: tenant.locale });
      const next = firstDue(spec, tenant.calendar, now());
      return { items: previewDueTimes(spec, tenant.calendar, next).map(viewDue) };
    },
  );

  server.get(
    '/v1/schedules/:id/preview',
    {
      config: { access: 'schedules.read' },
      schema: {
        operationId: 'previewSavedSchedule',
        tags: ['schedules'],
        summary: 'The next ten due times; none of one that is paused',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 200: Previewed, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { spec, nextNominal } = await database.asTenant(tenant.id, (tx) =>
        requireSchedule(tx, request.params.id),
      );
      const calendar = calendarOfSpec(spec, tenant.calendar);
      const next = nextNominal === null ? null : dueTimeOf(calendar, nextNominal);
      return { items: previewDueTimes(spec, tenant.calendar, next).map(viewDue) };
    },
  );

  server.get(
    '/v1/schedules/:id/runs',
    {
      config: { access: 'schedules.read' },
      schema: {
        operationId: 'listScheduleRuns',
        tags: ['schedules'],
        summary: 'What came of its due times, the newest first',
        headers: TENANT_HEADERS,
        params: Params,
        querystring: PageQuery.extend({ state: OccurrenceState.optional() }),
        response: {
          200: z.object({
            items: z.array(OccurrenceView),
            next_cursor: z.union([z.string(), z.null()]),
          }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { limit, cursor, state } = request.query;
      const place = readCursor(cursor);
      const after = place && { micros: place.createdAtMicros, id: place.id };
      const { occurrences, next } = await database.asTenant(tenant.id, async (tx) => {
        const { id } = await requireSchedule(tx, request.params.id);
        return listOccurrences(tx, id, { limit, after, state });
      });
      return {
        items: occurrences.map(viewOccurrence),
        next_cursor: writeCursor(next && { createdAtMicros: next.micros, id: next.id }),
      };
    },
  );
}
