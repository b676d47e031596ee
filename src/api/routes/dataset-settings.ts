import { z } from 'zod';
import {
  changeDatasetSettings,
  type DatasetSettings,
  readDatasetSettings,
} from '../../store/dataset-settings.ts';
import { actorOf } from '../access.ts';
import { requireIngestDataset } from '../ingest/mirror-views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** What a tenant wants of the rows that come in: how much a mirror may delete, whether skus must be known. */

const SettingsView = z.object({
  mirror_delete_share: z.number().min(0).max(1),
  mirror_delete_rows: z.int().min(0),
  mirror_rejects: z.int().min(0),
  known_skus: z.boolean().describe('Rows whose sku is no product are refused.'),
});
const Params = z.object({ dataset: z.string() });

export function datasetSettingsRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/ingest/:dataset/settings',
    {
      config: { access: 'ingest.read' },
      schema: {
        operationId: 'getDatasetSettings',
        tags: ['ingest'],
        summary: 'How much a mirror may delete, and whether skus must be known',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 200: SettingsView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { id: tenantId } = actorOf(request).tenant;
      const dataset = requireIngestDataset(request.params.dataset);
      return view(
        await database.asTenant(tenantId, (tx) => readDatasetSettings(tx, tenantId, dataset)),
      );
    },
  );

  server.patch(
    '/v1/ingest/:dataset/settings',
    {
      config: { access: 'mirror.override' },
      schema: {
        operationId: 'changeDatasetSettings',
        tags: ['ingest'],
        summary: 'Change what is given, keep the rest',
        description:
          'A mirror that would delete more than `mirror_delete_share` of the rows in its scope, and ' +
          'more than `mirror_delete_rows`, deletes nothing.',
        headers: TENANT_HEADERS,
        params: Params,
        body: z.strictObject(SettingsView.partial().shape),
        response: { 200: SettingsView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant, name: by } = actorOf(request);
      const dataset = requireIngestDataset(request.params.dataset);
      const { mirror_delete_share, mirror_delete_rows, mirror_rejects, known_skus } = request.body;
      const change = {
        ...{ tenantId: tenant.id, dataset, by },
        mirror: {
          ...(mirror_delete_share === undefined ? {} : { deleteShare: mirror_delete_share }),
          ...(mirror_delete_rows === undefined ? {} : { deleteRows: mirror_delete_rows }),
          ...(mirror_rejects === undefined ? {} : { rejects: mirror_rejects }),
        },
        ...(known_skus === undefined ? {} : { knownSkus: known_skus }),
      };
      return view(await database.asTenant(tenant.id, (tx) => changeDatasetSettings(tx, change)));
    },
  );
}

function view({ mirror, knownSkus }: DatasetSettings): z.infer<typeof SettingsView> {
  return {
    mirror_delete_share: mirror.deleteShare,
    mirror_delete_rows: mirror.deleteRows,
    mirror_rejects: mirror.rejects,
    known_skus: knownSkus,
  };
}
