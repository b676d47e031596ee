import type { Registry } from 'prom-client';
import type { InstallationKeys } from '../delivery/installation-secret.ts';
import type { PrivateTargets } from '../delivery/outbound/target.ts';
import type { Logger } from '../log.ts';
import type { ChangesProducer } from '../reports/changes.ts';
import type { SummaryProducer, SummaryRequest } from '../reports/summary.ts';
import type { Database } from '../store/database.ts';
import type { RunState } from '../store/runs.ts';
import type { IngestLimits } from './ingest/ingest-limits.ts';
import type { JwtSettings } from './supabase-token.ts';

/** What the API needs from outside, wired by the process that hosts it. */
export interface ApiDeps {
  readonly database: Database;
  readonly log: Logger;
  /** Absolute folder that the ledger's file paths are relative to. */
  readonly home: string;
  /** Where people reach this API, such as `https://reports.example.com`; no slash at the end. */
  readonly publicUrl: string;
  /** Tells the runner that a run waits; losing the call only delays it to the next look. */
  readonly wake: () => void;
  readonly progress: ProgressFeed;
  readonly summaries: SummaryProducer;
  readonly changes: ChangesProducer;
  /** Counts summaries, so that the days that they need are made ahead. */
  readonly summaryUses?: { note(request: SummaryRequest): void };
  /** Null: users' tokens are refused, API keys alone are accepted. */
  readonly jwt: JwtSettings | null;
  readonly rateLimit: RateLimit;
  /** Sign what recipients open without an account, and webhooks. */
  readonly keys: InstallationKeys;
  /** Whether hooks may go to private addresses. */
  readonly privateTargets: PrivateTargets;
  /**
   * Asked for each new interactive export, with how many of its tenant nobody works on yet.
   * @throws DaybookError `E_BUSY` when the backlog cannot be met.
   */
  readonly admission?: (tenantQueuedRuns: number) => void;
  /** Default: `INGEST_LIMITS`. */
  readonly ingestLimits?: IngestLimits;
  /** What besides the database must work before `/readyz` says yes, such as a runner. */
  readonly readiness?: readonly ReadinessCheck[];
  /** Request durations are observed here. */
  readonly metrics: Registry;
  /** What `/metrics` answers; default: `metrics` of this process alone. */
  readonly collectMetrics?: () => Promise<string>;
  /** UTC epoch ms. */
  readonly now: () => number;
}

/** How far a run is. A hint: it may come late, twice or never; the row is the truth. */
export interface RunProgress {
  readonly runId: string;
  readonly state: RunState;
  readonly days: { readonly total: number; readonly done: number; readonly cached: number };
  readonly rows: number;
  /** The file in the making, once its first bytes are there; null again when it is given up. */
  readonly artifact: GrowingArtifact | null;
}

/** A file in the making: its bytes stand, they only become more. */
export interface GrowingArtifact {
  /** That the ledger will know it by. */
  readonly fileId: string;
  /** Of the attempt that makes it. */
  readonly leaseToken: string;
  /** Where it stands now, relative to the home folder. */
  readonly path: string;
  readonly storedBytes: number;
  /** These are all. */
  readonly isWhole: boolean;
}

export interface ProgressFeed {
  /**
   * Calls the listener with what was last heard of a run that has not ended, and on each change
   * until the answer, which unsubscribes, is called.
   */
  subscribe(runId: string, listener: (progress: RunProgress) => void): () => void;
}

export interface ReadinessCheck {
  readonly name: string;
  /** Rejects with the reason while it is not ready. */
  check(): Promise<void>;
}

/** The part of rate-limiter-flexible that is used: its memory, cluster and database stores fit. */
export interface RateLimit {
  /** Requests per window and key. */
  readonly points: number;
  /** Rejects with an object of the same form (not an Error) when the key has no points left. */
  consume(key: string): Promise<{ msBeforeNext: number; remainingPoints: number }>;
}
