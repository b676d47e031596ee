import type { PlainError } from '../errors.ts';
import type { DayResult, DayTask } from '../reports/day-task.ts';
import type { Backlog } from './admission.ts';

/** Everything that crosses between processes, as plain data. */

/** How far a run is. It may come late, twice or never; the row is the truth. */
export interface RunHint {
  readonly runId: string;
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly days: { readonly total: number; readonly done: number; readonly cached: number };
  readonly rows: number;
  /** The file in the making, once its first bytes are there; null again when it is given up. */
  readonly artifact: ArtifactHint | null;
}

/** A file in the making: its bytes stand, they only become more. */
export interface ArtifactHint {
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

/** From the runner or an API process to the primary. `id` is the sender's own. */
export type ClientMessage =
  | { readonly kind: 'dispatch'; readonly id: string; readonly task: DayTask }
  | { readonly kind: 'cancel'; readonly id: string }
  /** A run was queued or is to be cancelled: the runner looks at once. */
  | { readonly kind: 'wake' }
  | { readonly kind: 'progress'; readonly hint: RunHint }
  /** Interactive runs that nobody works on yet, and their days: from the runner. */
  | { readonly kind: 'queue'; readonly queuedRuns: number; readonly queuedDays: number }
  /** The metrics of all processes, please. */
  | { readonly kind: 'metrics'; readonly id: string };

/** From the primary to the runner and the API processes. */
export type HubMessage =
  | { readonly kind: 'dispatched'; readonly id: string; readonly result: DayResult }
  | { readonly kind: 'refused'; readonly id: string; readonly error: PlainError }
  | { readonly kind: 'wake' }
  | { readonly kind: 'progress'; readonly hint: RunHint }
  /** Whether runs are worked on: there is a runner, and threads. */
  | { readonly kind: 'engine'; readonly ready: boolean }
  /** What waits, for who lets in more. */
  | { readonly kind: 'backlog'; readonly backlog: Backlog }
  | { readonly kind: 'metrics'; readonly id: string; readonly text: string }
  | { readonly kind: 'drain' };

/** From the primary to a compute process. */
export type WorkMessage =
  | { readonly kind: 'work'; readonly task: DayTask }
  | { readonly kind: 'abort'; readonly taskId: string }
  | { readonly kind: 'drain' };

/** From a compute process to the primary. */
export type ComputeMessage =
  | { readonly kind: 'ready'; readonly threads: number }
  | { readonly kind: 'worked'; readonly taskId: string; readonly result: DayResult }
  | { readonly kind: 'broken'; readonly taskId: string; readonly error: PlainError }
  | ({ readonly kind: 'lost'; readonly taskId: string } & LostDay);

/** A thread ended under its day, by itself or because it had to be ended. */
export interface LostDay {
  readonly code: 'E_RESOURCE_EXHAUSTED' | 'E_DAY_FAILED';
  readonly reason: string;
}

/** The end of a process that messages go to. */
export interface Channel<M> {
  send(message: M): void;
}
