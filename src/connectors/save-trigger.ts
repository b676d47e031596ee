import { createHash, randomBytes } from 'node:crypto';
import type { Tx } from '../store/database.ts';
import { insertTrigger, type Trigger } from '../store/triggers.ts';

/** The secret address of a trigger. */

const TOKEN = /^dbt_[A-Za-z0-9_-]{43}$/;

/** What of a token is kept; null: it has not the form of one. */
export function triggerHash(token: string): Buffer | null {
  return TOKEN.test(token) ? createHash('sha256').update(token).digest() : null;
}

/**
 * Makes a trigger; its token is told this once.
 * @throws DaybookError `E_NOT_FOUND` when what it starts is not there
 */
export async function addTrigger(
  tx: Tx,
  of: {
    readonly tenantId: string;
    readonly name: string;
    readonly starts: { readonly connector: string } | { readonly schedule: string };
    readonly by: string;
  },
): Promise<{ readonly trigger: Trigger; readonly path: string }> {
  const token = `dbt_${randomBytes(32).toString('base64url')}`;
  const { tenantId, name, starts, by } = of;
  const trigger = await insertTrigger(tx, {
    ...{ tenantId, name, by, tokenSha256: createHash('sha256').update(token).digest() },
    connectorId: 'connector' in starts ? starts.connector : null,
    scheduleId: 'schedule' in starts ? starts.schedule : null,
  });
  return { trigger, path: `/v1/triggers/${token}` };
}
