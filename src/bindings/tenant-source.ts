import type { InstallationKeys } from '../delivery/installation-secret.ts';
import type { PrivateTargets } from '../delivery/outbound/target.ts';
import type { DatasetName } from '../reports/dataset.ts';
import type { RowSource } from '../reports/ports.ts';
import { type Binding, createBoundSource } from '../sources/bound-source.ts';
import { createOpenedSources } from '../sources/opened-sources.ts';
import { createPostgresSource } from '../sources/postgres/postgres-source.ts';
import { type Database, LOOK_UP } from '../store/database.ts';
import { type BoundSource, findBoundSources } from '../store/source-bindings.ts';
import { windowOf } from '../time/calendar.ts';
import { openBound } from './open-bound.ts';

/** Rows of all tenants, from wherever they stand: what every process reads by. */
export interface TenantSource extends RowSource {
  /** Of the foreign databases; ours is whoever's it was. */
  close(): Promise<void>;
}

/** Must be closed. @param deps.openKeys is called when the first credential is needed */
export function createTenantSource(deps: {
  readonly database: Database;
  readonly openKeys: () => Promise<InstallationKeys>;
  readonly privateTargets: PrivateTargets;
}): TenantSource {
  const { database, privateTargets } = deps;
  const opened = createOpenedSources();
  let keys: Promise<InstallationKeys> | null = null;

  async function bindingsOf(tenantId: string, dataset: DatasetName): Promise<Binding[]> {
    const bound = await database.asSystem(
      (tx) => findBoundSources(tx, { tenantId, dataset }),
      LOOK_UP,
    );
    return bound.map((each) => ({
      ...spanOf(each),
      key: keyOf(each),
      async use(work) {
        keys ??= deps.openKeys();
        const rules = { keys: await keys, privateTargets };
        return opened.use(keyOf(each), () => openBound(each, rules), work);
      },
    }));
  }

  return {
    ...createBoundSource({ own: createPostgresSource(database), bindingsOf }),
    close: () => opened.close(),
  };
}

/** A binding is never changed, only removed and made anew; its source may be. */
function keyOf({ binding, source }: BoundSource): string {
  return `${binding.id}/${source.version}`;
}

/** The instants of its dates, as the tenant's calendar has them. */
function spanOf({ binding, calendar }: BoundSource): {
  readonly start: number;
  readonly end: number;
} {
  const { fromDate, toDate } = binding;
  const of = (date: string) => windowOf(calendar, { from: date, to: date });
  return {
    start: fromDate === null ? Number.NEGATIVE_INFINITY : of(fromDate).start,
    end: toDate === null ? Number.POSITIVE_INFINITY : of(toDate).end,
  };
}
