import type { PlainError } from '../errors.ts';
import type { DayResult, DayTask } from '../reports/day-task.ts';

/** Everything that crosses between processes, as plain data. */

/** Between the primary and its children. `id` pairs a reply with its request. */
export type PoolMessage =
  | { readonly kind: 'dispatch'; readonly id: string; readonly task: DayTask }
  | { readonly kind: 'cancel'; readonly id: string }
  | { readonly kind: 'dispatched'; readonly id: string; readonly result: DayResult }
  | { readonly kind: 'failed'; readonly id: string; readonly error: PlainError }
  | { readonly kind: 'work'; readonly task: DayTask }
  | { readonly kind: 'worked'; readonly taskId: string; readonly result: DayResult }
  | { readonly kind: 'broken'; readonly taskId: string; readonly error: PlainError }
  | { readonly kind: 'abort'; readonly taskId: string }
  | { readonly kind: 'ready'; readonly threads: number }
  | { readonly kind: 'wake' }
  | { readonly kind: 'progress'; readonly runId: string }
  | { readonly kind: 'drain' };
