import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import type { ChangesSince } from '../../reports/changes.ts';
import type { Table } from '../../reports/document.ts';
import { changesCsv, changesWorkbook } from '../../reports/render/changes-file.ts';
import { fileNameOf } from '../../reports/render/media-types.ts';
import { actorOf } from '../access.ts';
import { attachmentOf } from '../file-name.ts';
import { XLSX } from '../reject-export.ts';
import { requestSignal } from '../request-signal.ts';
import { sendChunks } from '../send-chunks.ts';
import { isUuid } from '../uuid.ts';
import { isoOrNull } from '../views.ts';
import { wantedType } from '../wanted-format.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** How a sealed file differs from the data of now; nothing is made or sent. */

const LONGEST_MS = 60_000;
/** Rows of a page, and of the sheet that an amendment bears. */
const MOST_LISTED = 2_000;
/** Rows of a CSV file: with more of them it is refused, since it could not say that some are missing. */
const MOST_IN_CSV = 100_000;
const TYPES = { 'application/json': 'json', 'text/csv': 'csv', [XLSX]: 'xlsx' } as const;

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
        description:
          'As JSON, as the workbook of one sheet that an amendment would bear, or as CSV of the rows ' +
          `(at most ${MOST_IN_CSV.toLocaleString('en')}), by \`format\` or else by \`Accept\`.`,
        headers: TENANT_HEADERS.extend({ accept: z.string().optional() }),
        params: z.object({ id: z.string() }),
        querystring: z.strictObject({
          limit: z.coerce
            .number()
            .int()
            .min(0)
            .max(MOST_LISTED)
            .default(200)
            .describe('Rows; of JSON alone.'),
          format: z.enum(['json', 'csv', 'xlsx']).optional(),
        }),
        response: {
          200: {
            description: 'What changed.',
            content: {
              'application/json': { schema: ChangesView },
              'text/csv': { schema: z.string() },
              [XLSX]: { schema: z.string().meta({ format: 'binary' }) },
            },
          },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { id } = request.params;
      const { limit } = request.query;
      const offered = ['application/json', 'text/csv', XLSX] as const;
      const format = request.query.format ?? TYPES[wantedType(request.headers.accept, offered)];
      const mostListed = { json: limit, csv: MOST_IN_CSV, xlsx: MOST_LISTED }[format];
      const asked = { tenantId: tenant.id, fileId: id, mostListed };
      const signal = requestSignal(reply.raw, closing, LONGEST_MS);
      const since = isUuid(id) ? await deps.changes(asked, signal) : null;
      if (!since) {
        const got = JSON.stringify(id.slice(0, 100));
        throw new DaybookError('E_NOT_FOUND', { what: 'file', got });
      }
      reply.header('vary', 'accept');
      if (format !== 'json') return sendFile(reply, since, format);
      const { revision, days, counts, unlisted, rows, totals } = since.changes;
      return reply.type('application/json').send({
        ...{ revision, days: [...days], data_as_of: isoOrNull(since.dataAsOf), counts, unlisted },
        rows: viewTable(rows),
        totals: viewTable(totals),
      });
    },
  );
}

async function sendFile(reply: FastifyReply, since: ChangesSince, format: 'csv' | 'xlsx') {
  const { document, changes } = since;
  const file = fileNameOf({ ...document, format, revision: changes.revision });
  const name = file.replace(/(\.\w+)$/, '_changes$1');
  reply.header('content-disposition', attachmentOf(name));
  if (format === 'xlsx') return reply.type(XLSX).send(await changesWorkbook(since));
  if (changes.counts === null) {
    const reason = 'too many, or not kept any more; the workbook and JSON compare the figures';
    throw new DaybookError('E_GONE', { what: 'rows of then of', got: file, reason });
  }
  if (changes.unlisted > 0) {
    const got = `${MOST_IN_CSV + changes.unlisted} rows`;
    const expected = `${MOST_IN_CSV} rows`;
    throw new DaybookError('E_TOO_LARGE', { where: 'changes', got, expected });
  }
  reply.type('text/csv; charset=utf-8; header=present');
  return sendChunks(reply, changesCsv(since));
}

function viewTable({ columns, rows }: Table) {
  return {
    columns: columns.map(({ key, header, type }) => ({ key, label: header, type })),
    lines: rows.map((cells) =>
      Object.fromEntries(columns.map(({ key }, index) => [key, cells[index] ?? null])),
    ),
  };
}
