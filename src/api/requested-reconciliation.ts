import { z } from 'zod';
import { ERRORS } from '../errors.ts';
import type { RunRow } from '../store/runs.ts';
import { publicMessage } from './problem.ts';
import { isoOf, isoOrNull } from './views.ts';

/** A reconciliation that was asked for and has not found anything yet. */
export const RequestedView = z.object({
  id: z.string(),
  status: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
  period: z.object({ from: z.string(), to: z.string() }),
  error: z
    .union([z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }), z.null()])
    .describe('Why it failed, such as a file of another period; or what it waits for.'),
  requested_by: z.string(),
  created_at: z.string(),
  finished_at: z.union([z.string(), z.null()]),
  links: z.object({ self: z.string(), file: z.string() }),
});
export type RequestedView = z.infer<typeof RequestedView>;

export function viewRequested(run: RunRow): RequestedView {
  const { errorCode } = run;
  const self = `/v1/reconciliations/${run.id}`;
  return {
    id: run.id,
    status: run.state,
    period: { from: run.request.period.from, to: run.request.period.to },
    error: errorCode && {
      code: errorCode,
      message: publicMessage(errorCode, run.errorMessage ?? errorCode),
      retryable: ERRORS[errorCode]?.retryable ?? false,
    },
    requested_by: run.requestedBy,
    created_at: isoOf(run.createdAt),
    finished_at: isoOrNull(run.finishedAt),
    links: { self, file: `${self}/file` },
  };
}
