import { randomUUID } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import { sealSecret } from '../secrets/sealed-secret.ts';
import type { ForeignSource } from '../sources/foreign-source.ts';
import type { Database, Tx } from '../store/database.ts';
import { markSource } from '../store/dataset-marks.ts';
import {
  type BoundDataset,
  findBindingScope,
  insertBinding,
  type NewBinding,
  removeBinding,
} from '../store/source-bindings.ts';
import {
  changeSource,
  findSource,
  insertSource,
  type Reach,
  readCredentials,
  SOURCE_KINDS,
  type SourceKind,
  type SourceRow,
} from '../store/sources.ts';
import { parseDate } from '../time/period.ts';
import {
  connectionOf,
  foreignKind,
  openBound,
  placeOf,
  reachHost,
  type SourceRules,
} from './open-bound.ts';

/** Saving sources and bindings: what is saved was checked, and what is secret was sealed. */

export interface SourceDeps extends SourceRules {
  readonly database: Database;
}

/** Who saves. An operator may point inside, and may have sources for all tenants. */
export interface SourceActor {
  /** Null: an operator who works on no tenant now. */
  readonly tenantId: string | null;
  readonly name: string;
  readonly isOperator: boolean;
}

export interface RawSource {
  readonly name: string;
  readonly kind: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly credentials: Readonly<Record<string, string>>;
  /** For bindings of any tenant: an operator's alone. */
  readonly shared: boolean;
}

export type RawBinding = Omit<NewBinding, 'tenantId' | 'source' | 'createdBy'>;

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Connecting, looking at the table, reading one row. */
const TRY_MS = 30_000;

/** @throws DaybookError `E_INVALID`, `E_FORBIDDEN`, `E_CONFLICT` */
export async function saveSource(
  raw: RawSource,
  actor: SourceActor,
  deps: SourceDeps,
): Promise<SourceRow> {
  const { name, settings, credentials } = raw;
  const shared = raw.shared || actor.tenantId === null;
  if (!NAME.test(name)) {
    const expected = 'lower-case letters, digits and hyphens, at most 63';
    throw new DaybookError('E_INVALID', { where: 'name', got: name.slice(0, 100), expected });
  }
  demandOperator(shared, actor, 'save a source for all tenants');
  const kind = parseKind(raw.kind);
  const reach: Reach = actor.isOperator ? 'any' : 'public';
  await checkHosts(kind, { settings, credentials }, reach, deps);
  const id = randomUUID();
  const source = {
    ...{ id, name, kind, settings, reach, createdBy: actor.name },
    tenantId: shared ? null : actor.tenantId,
    credentials: sealSecret(deps.keys, id, JSON.stringify(credentials)),
  } as const;
  return asOwner(source, deps.database, (tx) => insertSource(tx, source));
}

/**
 * Settings or credentials anew; what is not given stays. Credentials stay only where the settings
 * do: else whoever may not know them could have them sent elsewhere.
 */
export async function resaveSource(
  source: SourceRow,
  to: Partial<Pick<RawSource, 'settings' | 'credentials'>>,
  actor: SourceActor,
  deps: SourceDeps,
): Promise<SourceRow> {
  demandOperator(source.tenantId === null, actor, 'change a source for all tenants');
  if (to.settings !== undefined && to.credentials === undefined) {
    const expected = 'the credentials too, since they would go where the new settings lead';
    throw new DaybookError('E_INVALID', { where: 'credentials', got: 'none', expected });
  }
  const { database, keys } = deps;
  const kept = await database.asSystem((tx) => readCredentials(tx, source.id));
  if (!kept) throw noSource(source.name);
  const settings = to.settings ?? source.settings;
  const credentials = to.credentials ?? connectionOf(source, kept, deps).credentials;
  // What an operator pointed inside stays the operator's to change.
  demandOperator(source.reach === 'any', actor, 'change a source that an operator saved');
  const reach: Reach = actor.isOperator ? 'any' : 'public';
  await checkHosts(source.kind, { settings, credentials }, reach, deps);
  const sealed = sealSecret(keys, source.id, JSON.stringify(credentials));
  const changed = await asOwner(source, database, (tx) =>
    changeSource(tx, source.id, { settings, credentials: sealed, reach }),
  );
  return changed ?? fail(noSource(source.name));
}

/** By name or id: the tenant's own, or one of the operator's. @throws DaybookError `E_NOT_FOUND` */
export async function requireSource(
  nameOrId: string,
  actor: SourceActor,
  { database }: Pick<SourceDeps, 'database'>,
): Promise<SourceRow> {
  const { tenantId } = actor;
  const own =
    tenantId === null
      ? null
      : await database.asTenant(tenantId, (tx) => findSource(tx, tenantId, nameOrId));
  if (own) return own;
  const shared = actor.isOperator
    ? await database.asSystem((tx) => findSource(tx, null, nameOrId))
    : null;
  return shared ?? fail(noSource(nameOrId));
}

/**
 * Binds a tenant's rows of a dataset to a place, after one row was read from it.
 * @returns the binding's id, and what was found there
 * @throws DaybookError `E_SOURCE`, `E_SOURCE_ROW`, `E_MAP`, `E_CONFLICT`, `E_FORBIDDEN`, `E_UNAVAILABLE`
 */
export async function bindSource(
  source: SourceRow,
  raw: RawBinding,
  actor: SourceActor,
  deps: SourceDeps,
  signal: AbortSignal,
): Promise<{ readonly id: string; readonly server: string; readonly sample: number }> {
  const found = await tryBinding(source, raw, actor, deps, signal);
  const binding = checkBinding(raw, actor);
  const id = await deps.database.asTenant(binding.tenantId, (tx) =>
    insertBinding(tx, { ...binding, source, createdBy: actor.name }),
  );
  return { id, ...found };
}

/**
 * Takes a binding back: from then on our own tables answer. Those to a source for all tenants are an
 * operator's to make and to remove.
 * @throws DaybookError `E_NOT_FOUND`, `E_FORBIDDEN`
 */
export async function unbind(
  id: string,
  actor: SourceActor & { readonly tenantId: string },
  { database }: Pick<SourceDeps, 'database'>,
): Promise<void> {
  await database.asTenant(actor.tenantId, async (tx) => {
    const found = UUID.test(id) ? await findBindingScope(tx, id) : null;
    if (!found) throw new DaybookError('E_NOT_FOUND', { what: 'binding', got: id.slice(0, 100) });
    demandOperator(found.isShared, actor, 'remove a binding to a source for all tenants');
    await removeBinding(tx, id);
  });
}

/**
 * Says how far a tenant's rows there are complete (UTC epoch ms); until somebody does, the grace
 * decides. Never moves back.
 * @throws DaybookError `E_NOT_FOUND` where nothing is bound
 */
export async function markBound(
  source: SourceRow,
  of: { readonly dataset: BoundDataset; readonly completeThrough: number },
  { tenantId }: SourceActor & { readonly tenantId: string },
  { database }: Pick<SourceDeps, 'database'>,
): Promise<number> {
  const mark = { ...of, tenantId, sourceId: source.id };
  const marked = await database.asTenant(tenantId, (tx) => markSource(tx, mark));
  if (marked !== null) return marked;
  const got = `of ${of.dataset} to ${source.name}`;
  throw new DaybookError('E_NOT_FOUND', { what: 'binding', got });
}

/** Connects and reads one row by a binding that may not be saved yet. */
export async function tryBinding(
  source: SourceRow,
  raw: RawBinding,
  actor: SourceActor,
  deps: SourceDeps,
  signal: AbortSignal,
): Promise<{ readonly server: string; readonly sample: number }> {
  demandOperator(source.tenantId === null, actor, 'bind rows of a source for all tenants');
  const binding = checkBinding(raw, actor);
  placeOf(binding, source);
  const credentials = await deps.database.asSystem((tx) => readCredentials(tx, source.id));
  if (!credentials) throw noSource(source.name);
  const row = { ...binding, id: '', sourceId: source.id, sourceName: source.name, createdBy: '' };
  const opened: ForeignSource = openBound({ binding: row, source, credentials }, deps);
  try {
    return await opened.check(AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]));
  } finally {
    await opened.close();
  }
}

function checkBinding(raw: RawBinding, { tenantId }: SourceActor) {
  const { fromDate, toDate } = raw;
  const dates = {
    fromDate: fromDate === null ? null : parseDate(fromDate, 'from_date'),
    toDate: toDate === null ? null : parseDate(toDate, 'to_date'),
  };
  if (dates.fromDate !== null && dates.toDate !== null && dates.fromDate > dates.toDate) {
    const expected = `${dates.fromDate} or later`;
    throw new DaybookError('E_PERIOD', { where: 'to_date', got: dates.toDate, expected });
  }
  if (tenantId !== null) return { ...raw, ...dates, tenantId };
  throw new DaybookError('E_INVALID', {
    where: 'tenant',
    got: 'none',
    expected: 'whose rows they are',
  });
}

function parseKind(kind: string): SourceKind {
  const found = SOURCE_KINDS.find((each) => each === kind);
  if (found) return found;
  const expected = `one of ${SOURCE_KINDS.join(', ')}`;
  throw new DaybookError('E_INVALID', { where: 'kind', got: kind.slice(0, 100), expected });
}

async function checkHosts(
  kind: SourceKind,
  of: Pick<RawSource, 'settings' | 'credentials'>,
  reach: SourceRow['reach'],
  deps: SourceDeps,
): Promise<void> {
  for (const host of foreignKind(kind).hostsOf(of)) await reachHost(host, reach, deps);
}

/** A tenant's own in its transaction, the operator's in a system transaction. */
export function asOwner<T>(
  { tenantId }: Pick<SourceRow, 'tenantId'>,
  database: Database,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return tenantId === null ? database.asSystem(work) : database.asTenant(tenantId, work);
}

export function demandOperator(wanted: boolean, actor: SourceActor, action: string): void {
  if (!wanted || actor.isOperator) return;
  throw new DaybookError('E_FORBIDDEN', { who: actor.name, action, expected: 'an operator' });
}

function noSource(got: string): DaybookError {
  return new DaybookError('E_NOT_FOUND', { what: 'source', got: got.slice(0, 100) });
}

function fail(error: DaybookError): never {
  throw error;
}
