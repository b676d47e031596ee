import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { listLocks, lockPeriod, type PeriodLock, releaseLock } from '../../store/period-locks.ts';
import { parsePeriod } from '../../time/period.ts';
import { actorOf } from '../access.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

const orNull = z.union([z.string(), z.null()]);
const LockView = z.object({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  reason: z.string(),
  locked_by: z.string(),
  locked_at: z.string(),
  released_by: orNull,
  released_at: orNull,
});
const OF = { tags: ['ledger'], headers: TENANT_HEADERS };

/** Periods whose charges and entries stand. */
export function periodLockRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/ledger/locks',
    {
      config: { access: 'ledger.read' },
      schema: {
        ...OF,
        operationId: 'listLocks',
        summary: 'Locked periods, those that were released too; newest first',
        response: { 200: z.object({ items: z.array(LockView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const locks = await database.asTenant(tenant.id, (tx) => listLocks(tx, tenant.id));
      return { items: locks.map(viewLock) };
    },
  );

  server.post(
    '/v1/ledger/locks',
    {
      config: { access: 'periods.lock' },
      schema: {
        ...OF,
        operationId: 'lockPeriod',
        summary: 'Lock a period: its charges and entries stand from then on',
        body: z.strictObject({
          from: z.string().max(64),
          to: z.string().max(64),
          reason: z.string().min(1).max(500),
        }),
        response: { 201: LockView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: lockedBy } = actorOf(request);
      const { from, to, reason } = request.body;
      const period = parsePeriod(from, to);
      const lock = await database.asTenant(tenant.id, (tx) =>
        lockPeriod(tx, { tenantId: tenant.id, period, reason, lockedBy }),
      );
      return reply.code(201).send(viewLock(lock));
    },
  );

  server.post(
    '/v1/ledger/locks/:id/release',
    {
      config: { access: 'periods.unlock' },
      schema: {
        ...OF,
        operationId: 'releaseLock',
        summary: 'Release a lock; calls that came meanwhile are charged then',
        params: z.object({ id: z.string() }),
        response: { 200: LockView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant, name: releasedBy } = actorOf(request);
      const { id } = request.params;
      if (!isUuid(id)) throw new DaybookError('E_NOT_FOUND', { what: 'lock', got: id });
      const lock = { tenantId: tenant.id, id: id.toLowerCase(), releasedBy };
      return viewLock(await database.asTenant(tenant.id, (tx) => releaseLock(tx, lock)));
    },
  );
}

function viewLock(lock: PeriodLock): z.infer<typeof LockView> {
  return {
    id: lock.id,
    from: lock.from,
    to: lock.to,
    reason: lock.reason,
    locked_by: lock.lockedBy,
    locked_at: lock.lockedAt.toISOString(),
    released_by: lock.releasedBy,
    released_at: lock.releasedAt?.toISOString() ?? null,
  };
}
