import type { InstallationKeys } from '../delivery/installation-secret.ts';
import { type PrivateTargets, type Resolve, resolveHost } from '../delivery/outbound/target.ts';
import { DaybookError } from '../errors.ts';
import { parseLoadMap } from '../mapping/parse-load-map.ts';
import { datasetOf } from '../reports/dataset.ts';
import { openSecret } from '../secrets/sealed-secret.ts';
import { FOREIGN_KINDS, type ForeignKind } from '../sources/foreign-kinds.ts';
import type { ForeignConnection, ForeignPlace, ForeignSource } from '../sources/foreign-source.ts';
import type { BoundSource, NewBinding } from '../store/source-bindings.ts';
import type { SealedCredentials, SourceKind, SourceRow } from '../store/sources.ts';

/** From the rows that say where a tenant's rows stand to an open source. */

export interface SourceRules {
  readonly keys: InstallationKeys;
  /** Of sources that tenants saved themselves. */
  readonly privateTargets: PrivateTargets;
  readonly resolve?: Resolve;
}

/** Must be closed. Nothing is connected before it is read. @throws DaybookError `E_SOURCE`, `E_MAP` */
export function openBound(
  { binding, source, credentials }: Pick<BoundSource, 'binding' | 'source' | 'credentials'>,
  rules: SourceRules,
): ForeignSource {
  const place = placeOf(binding, source);
  return foreignKind(source.kind).open(connectionOf(source, credentials, rules), place);
}

/** @throws DaybookError `E_SOURCE` where no adapter of that kind is built in */
export function foreignKind(kind: SourceKind): ForeignKind {
  const found = FOREIGN_KINDS[kind];
  if (found) return found;
  throw new DaybookError('E_SOURCE', { where: 'kind', reason: `${kind} cannot be read yet` });
}

/**
 * Asked when a binding is saved and whenever it is used: whoever reads must either have a credential
 * that shows this tenant's rows alone, or say in every query whose rows it wants.
 * @throws DaybookError `E_SOURCE`, `E_MAP`
 */
export function placeOf(
  binding: Omit<NewBinding, 'source' | 'createdBy'>,
  source: Pick<SourceRow, 'tenantId'>,
): ForeignPlace {
  const { dataset, from, anchorColumn, keyColumn, only, updatedColumn } = binding;
  if (source.tenantId !== null && source.tenantId !== binding.tenantId) {
    throw new DaybookError('E_SOURCE', { where: 'source', reason: "it is another tenant's" });
  }
  if (source.tenantId === null && only === null) {
    const reason = 'a source for several tenants needs a condition that tells whose a row is';
    throw new DaybookError('E_SOURCE', { where: 'only', reason });
  }
  const map = parseLoadMap(binding.map, datasetOf(dataset));
  return { dataset, from, map, anchorColumn, keyColumn, only, updatedColumn };
}

export function connectionOf(
  { id, settings, reach }: Pick<SourceRow, 'id' | 'settings' | 'reach'>,
  credentials: SealedCredentials,
  rules: SourceRules,
): ForeignConnection {
  return {
    settings,
    credentials: JSON.parse(openSecret(rules.keys, id, credentials)) as Record<string, string>,
    reach: (host) => reachHost(host, reach, rules),
  };
}

/** @throws DaybookError `E_INVALID` for a host inside that a tenant named; `E_UNAVAILABLE` */
export async function reachHost(
  host: string,
  reach: SourceRow['reach'],
  { privateTargets, resolve }: Pick<SourceRules, 'privateTargets' | 'resolve'>,
): Promise<string> {
  if (reach === 'any') return host;
  const rules = { privateTargets, ...(resolve ? { resolve } : {}) };
  const [{ address }] = await resolveHost(host, 'settings.host', rules);
  return address;
}
