import { secretOf } from '../../connectors/connector-spec.ts';
import { fetchPages } from '../../connectors/fetch-pages.ts';
import { specOf } from '../../connectors/next-due.ts';
import { reachedBy, sinceOf } from '../../connectors/since.ts';
import type { InstallationKeys } from '../../delivery/installation-secret.ts';
import type { TargetRules } from '../../delivery/outbound/target.ts';
import { toDaybookError, toPlainError } from '../../errors.ts';
import { loadRows } from '../../ingest/load-rows.ts';
import type { Logger } from '../../log.ts';
import { openSecret, sealingKeyId } from '../../secrets/sealed-secret.ts';
import {
  type ClaimedConnectorRun,
  claimConnectorRun,
  type Fetched,
  failConnectorRun,
  finishConnectorRun,
  noteFetched,
} from '../../store/connector-runs.ts';
import type { Database } from '../../store/database.ts';
import { storeLoads } from '../../store/loads.ts';
import { requireTenant, type Tenant } from '../../store/tenants.ts';

/**
 * One run: pages are fetched, gathered to loads of a bounded size and stored. Only when all are, the
 * connector has come further: a run that fails is made again from where the last one began, and
 * loading is idempotent.
 */

export interface ConnectorDeps {
  readonly database: Database;
  readonly keys: InstallationKeys;
  readonly rules: TargetRules;
  readonly log: Logger;
}

const LEASE_SECONDS = 300;
/** Loaded at once. */
const LOAD_BYTES = 16 << 20;
const RETRY_MS = [60_000, 300_000, 900_000];

/** False: somebody else has it. Failures are recorded, not thrown. @throws the signal's reason */
export async function runConnector(
  of: { readonly tenantId: string; readonly id: string },
  deps: ConnectorDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const { database, log } = deps;
  const run = await database.asTenant(of.tenantId, (tx) =>
    claimConnectorRun(tx, of.id, LEASE_SECONDS),
  );
  if (run === null) return false;
  try {
    const tenant = await database.asSystem((tx) => requireTenant(tx, of.tenantId));
    await fetchAll(run, tenant, deps, signal);
  } catch (thrown) {
    const error = signal.aborted ? toDaybookError(signal.reason) : toDaybookError(thrown);
    if (error.code === 'E_LEASE_LOST') return true;
    const mayPass = signal.aborted || error.retryable;
    // A run that is interrupted by our own end is made again at once by whoever comes.
    const retryMs = signal.aborted ? 0 : mayPass ? (RETRY_MS[run.attempts - 1] ?? null) : null;
    log.warn({ connector: run.name, error: error.message, retryMs }, 'a connector failed');
    await database.asTenant(of.tenantId, (tx) =>
      failConnectorRun(tx, run, toPlainError(error), retryMs),
    );
    signal.throwIfAborted();
  }
  return true;
}

async function fetchAll(
  run: ClaimedConnectorRun,
  tenant: Tenant,
  deps: ConnectorDeps,
  signal: AbortSignal,
): Promise<void> {
  const { database, keys, rules } = deps;
  const spec = specOf(run.spec);
  const secret =
    run.sealedSecret === null
      ? null
      : openSecret(keys, secretOf(tenant.id, run.connectorId), {
          bytes: run.sealedSecret,
          keyId: sealingKeyId(keys),
        });
  let fetched: Fetched = {
    ...{ pages: 0, rows: 0, loaded: 0, updated: 0, unchanged: 0, rejected: 0, firstReject: null },
  };
  let reached = run.since;
  let pieces: Buffer[] = [];
  let bytes = 0;

  const store = async () => {
    if (bytes > 0) {
      const result = await loadRows(
        piecewise(pieces),
        {
          tenant: { id: tenant.id, calendar: tenant.calendar },
          dataset: spec.dataset,
          ...{ name: `connector ${run.name}`, format: 'ndjson', map: spec.map ?? null },
          ...{ requestedBy: run.requestedBy, completeThrough: null },
        },
        { store: storeLoads(database), signal },
      );
      fetched = {
        ...fetched,
        loaded: fetched.loaded + result.loaded,
        updated: fetched.updated + result.updated,
        unchanged: fetched.unchanged + result.unchanged,
        rejected: fetched.rejected + result.rejected,
        firstReject: fetched.firstReject ?? result.first_reject,
      };
    }
    pieces = [];
    bytes = 0;
  };
  const note = () =>
    database.asTenant(tenant.id, (tx) => noteFetched(tx, run, fetched, LEASE_SECONDS));

  const since = sinceOf(spec.since, run.since);
  for await (const page of fetchPages({ spec, since, secret, rules, signal })) {
    fetched = { ...fetched, pages: fetched.pages + 1, rows: fetched.rows + page.rows.length };
    if (spec.since) reached = reachedBy(spec.since, reached, page.rows);
    pieces.push(page.lines);
    bytes += page.lines.length;
    if (bytes >= LOAD_BYTES) await store();
    await note();
  }
  await store();
  await database.asTenant(tenant.id, (tx) => finishConnectorRun(tx, run, fetched, reached));
}

async function* piecewise(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield piece;
}
