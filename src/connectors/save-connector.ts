import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { InstallationKeys } from '../delivery/installation-secret.ts';
import { resolveTarget, type TargetRules } from '../delivery/outbound/target.ts';
import { DaybookError } from '../errors.ts';
import { sealSecret } from '../secrets/sealed-secret.ts';
import {
  type Connector,
  insertConnector,
  requireConnector,
  type SavedConnector,
  updateConnector,
} from '../store/connectors.ts';
import type { Database } from '../store/database.ts';
import type { Calendar } from '../time/calendar.ts';
import { ConnectorSpec, checkConnectorSpec, secretOf } from './connector-spec.ts';
import { nextDueOfSpec } from './next-due.ts';

/** Saving connectors: what is saved was checked, so that a mistake is told to who makes it. */

export const ConnectorForm = z.strictObject({
  name: z.string().trim().min(1).max(100),
  active: z.boolean().default(true),
  secret: z
    .union([z.string().min(1).max(4_000), z.null()])
    .optional()
    .describe('Of `auth`; kept encrypted and never shown. Left out: what is kept. null: none.'),
  ...ConnectorSpec.shape,
});
export type ConnectorForm = z.infer<typeof ConnectorForm>;

export interface ConnectorOwner {
  readonly tenant: { readonly id: string; readonly calendar: Calendar };
  /** The principal, as records name it. */
  readonly name: string;
}

export interface SaveDeps {
  readonly database: Database;
  readonly keys: InstallationKeys;
  readonly privateTargets: TargetRules['privateTargets'];
  /** UTC epoch ms. */
  readonly now: () => number;
}

/** @throws DaybookError `E_INVALID`, `E_MAP`, `E_UNKNOWN_ZONE`, `E_CONFLICT` */
export async function addConnector(
  form: ConnectorForm,
  owner: ConnectorOwner,
  deps: SaveDeps,
): Promise<Connector> {
  const saved = await checked(randomUUID(), form, owner, deps);
  return deps.database.asTenant(owner.tenant.id, (tx) => insertConnector(tx, saved));
}

/**
 * Puts the whole of it in place of what is there; with another address or rows it begins anew.
 * @throws DaybookError as {@link addConnector}, and `E_NOT_FOUND`
 */
export async function changeConnector(
  id: string,
  form: ConnectorForm,
  owner: ConnectorOwner,
  deps: SaveDeps,
): Promise<Connector> {
  const saved = await checked(id, form, owner, deps);
  return deps.database.asTenant(owner.tenant.id, async (tx) => {
    const before = await requireConnector(tx, id);
    // A secret stays with the host that it was given for.
    if (saved.sealedSecret === undefined && before.hasSecret) {
      if (originOf(before.spec) !== originOf(saved.spec)) throw secretNeeded();
    }
    return updateConnector(tx, saved, !readsTheSame(before.spec, saved.spec));
  });
}

async function checked(
  id: string,
  form: ConnectorForm,
  owner: ConnectorOwner,
  deps: SaveDeps,
): Promise<SavedConnector> {
  const { name, active, secret, ...rest } = form;
  const { keys, privateTargets, now } = deps;
  const { tenant } = owner;
  const spec = checkConnectorSpec(rest);
  await resolveTarget(spec.url.replace(/\{\w+\}/g, '0'), 'url', { privateTargets });
  const sealed =
    typeof secret === 'string' ? sealSecret(keys, secretOf(tenant.id, id), secret).bytes : secret;
  return {
    ...{ tenantId: tenant.id, id, name, spec, active, by: owner.name },
    sealedSecret: sealed,
    next: active ? nextDueOfSpec(spec, tenant.calendar, now()) : null,
  };
}

function secretNeeded(): DaybookError {
  return new DaybookError('E_INVALID', {
    where: 'secret',
    got: 'another host in url, and no secret',
    expected: 'the secret once more (or null for none): it is kept for the host before alone',
  });
}

function originOf(spec: unknown): string {
  return new URL((spec as ConnectorSpec).url.replace(/\{\w+\}/g, '0')).origin;
}

/** Whether what was read so far still means what it meant. */
function readsTheSame(before: unknown, after: unknown): boolean {
  const of = ({ url, dataset, rows, since, body }: ConnectorSpec) =>
    JSON.stringify([url, dataset, rows, since?.field ?? null, since?.format ?? null, body ?? null]);
  return of(before as ConnectorSpec) === of(after as ConnectorSpec);
}
