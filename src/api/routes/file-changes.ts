import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import type { Table } from '../../reports/document.ts';
import { actorOf } from '../access.ts';
import { requestSignal } from '../request-signal.ts';
import { isUuid } from '../uuid.ts';
import { isoOrNull } from '../views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** How a sealed file differs from the data of now; nothing is made or sent. */

const LONGEST_MS = 60_000;
const MOST_LISTED = 2_000;

const Line = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
const TableView = z.object({
  columns: z.array(z.object({ key: z.string(), label: z.string(), type: z.string() })),
  lines: z.array(Line),
});
const ChangesView = z.object({
  revision: z.number().describe('Of the file.'),
  days: z.array(z.string()).describe('Dates whose rows are others now; none: nothing changed.'),
  data_as_of: z.union([z.string(), z.null()]),
  counts: z
    .union([
      z.object({ added: z.number(), changed: z.number(), removed: z.number() }),
      z.null().describe('The rows of then are not kept any more, or there are too many.'),
    ])
    .describe('Rows by their key, after the filters of the file.'),
  unlisted: z.number().describe('Rows that are counted and not listed.'),
  rows: TableView.describe('A changed one comes twice, as it was and as it is; instants are ms.'),
  totals: TableView.describe('Each figure then and now, and the difference.'),
});

export function fileChangesRoute({ server, deps, closing }: RouteContext): void {
  server.get(
    '/v1/files/:id/changes',
    {
      config: { access: 'deliveries.read' },
      schema: {
        operationId: 'changesSinceFile',
        tags: ['files'],
        summary: 'What changed in the data of a sealed file since it was sealed',
        headers: TENANT_HEADERS,
        params: z.object({ id: z.string() }),
        querystring: z.strictObject({
          limit: z.coerce.number().int().min(0).max(MOST_LISTED).default(200).describe('Rows.'),
        }),
        response: { 200: ChangesView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { id } = request.params;
      const asked = { tenantId: tenant.id, fileId: id, mostListed: request.query.limit };
      const signal = requestSignal(reply.raw, closing, LONGEST_MS);
      const since = isUuid(id) ? await deps.changes(asked, signal) : null;
      if (!since) {
        const got = JSON.stringify(id.slice(0, 100));
        throw new DaybookError('E_NOT_FOUND', { what: 'file', got });
      }
      const { revision, days, counts, unlisted, rows, totals } = since.changes;
      return {
        ...{ revision, days: [...days], data_as_of: isoOrNull(since.dataAsOf), counts, unlisted },
        rows: viewTable(rows),
        totals: viewTable(totals),
      };
    },
  );
}

function viewTable({ columns, rows }: Table) {
  return {
    columns: columns.map(({ key, header, type }) => ({ key, label: header, type })),
    lines: rows.map((cells) =>
      Object.fromEntries(columns.map(({ key }, index) => [key, cells[index] ?? null])),
    ),
  };
}
