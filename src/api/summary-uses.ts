import { createHash } from 'node:crypto';
import type { Logger } from '../log.ts';
import { parseSummaryBy } from '../reports/build-summary.ts';
import { canonicalJson } from '../reports/canonical-json.ts';
import type { SummaryForm } from '../reports/demand.ts';
import { reportKind } from '../reports/registry.ts';
import { keptFold } from '../reports/roll-up.ts';
import type { SummaryRequest } from '../reports/summary.ts';
import { recordSummaryUses, type SummaryUse } from '../store/asks.ts';
import type { Database } from '../store/database.ts';

/** Counts summaries in memory and adds the counts to the database each minute, in one statement. */

const FLUSH_MS = 60_000;
/** So many forms and periods are counted in one minute; more are not. */
const MOST_KEYS = 5_000;
/** Longer than the days that a study of demand looks back. */
const KEPT_DAYS = 35;

export function startSummaryUses(deps: { readonly database: Database; readonly log: Logger }): {
  note(request: SummaryRequest): void;
  /** Records what was counted; a failure is logged, and the counts are lost. */
  flush(): Promise<void>;
  stop(): Promise<void>;
} {
  let counts = new Map<string, SummaryUse>();

  async function flush(): Promise<void> {
    const uses = [...counts.values()];
    counts = new Map();
    if (uses.length === 0) return;
    try {
      await deps.database.asSystem((tx) => recordSummaryUses(tx, uses, KEPT_DAYS));
    } catch (error) {
      deps.log.warn({ error: (error as Error).message }, 'uses of summaries were not recorded');
    }
  }

  const timer = setInterval(() => void flush(), FLUSH_MS);
  timer.unref();

  return {
    flush,
    note({ tenant: { id: tenantId }, request, by }) {
      const { report, zone, where, params, period } = request;
      const dimensions = parseSummaryBy(reportKind(report), by);
      const kept = keptFold({ report, where, params, by: dimensions });
      const form: SummaryForm = { kind: 'summary', report, zone, where, params, by: kept.by };
      const text = canonicalJson({ form, period });
      const key = createHash('sha256').update(text).digest('hex');
      const place = `${tenantId}/${key}`;
      const uses = (counts.get(place)?.uses ?? 0) + 1;
      if (uses === 1 && counts.size >= MOST_KEYS) return;
      counts.set(place, { tenantId, key, form, period, uses });
    },
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
