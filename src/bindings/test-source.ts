import { toDaybookError } from '../errors.ts';
import { listBindings } from '../store/source-bindings.ts';
import type { SourceRow } from '../store/sources.ts';
import { type SourceActor, type SourceDeps, tryBinding } from './save-source.ts';

/** What came of trying one binding. */
export interface TriedBinding {
  readonly id: string;
  readonly dataset: string;
  readonly from: string;
  /** Null where it failed. */
  readonly server: string | null;
  /** Rows that were read. */
  readonly sample: number;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Connects and reads one row by each binding of the tenant to this source, one after the other. */
export async function testSource(
  source: SourceRow,
  actor: SourceActor & { readonly tenantId: string },
  deps: SourceDeps,
  signal: AbortSignal,
): Promise<TriedBinding[]> {
  const of = { tenantId: actor.tenantId, sourceId: source.id };
  const bindings = await deps.database.asSystem((tx) => listBindings(tx, of));
  const tried: TriedBinding[] = [];
  for (const binding of bindings) {
    const { id, dataset, from } = binding;
    try {
      const { server, sample } = await tryBinding(source, binding, actor, deps, signal);
      tried.push({ id, dataset, from, server, sample, error: null });
    } catch (thrown) {
      signal.throwIfAborted();
      const { code, message } = toDaybookError(thrown);
      tried.push({ id, dataset, from, server: null, sample: 0, error: { code, message } });
    }
  }
  return tried;
}
