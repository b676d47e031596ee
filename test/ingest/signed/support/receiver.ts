import type { DatasetName } from '../../../../src/reports/dataset.ts';
import { loadQueued } from '../../../../src/scheduler/ingest/load-queued.ts';
import { startApi, type TestApi } from '../../../api/support.ts';
import type { SenderKey, Signed } from './sender.ts';

/** The real API and the real pass over a database of its own. */
export interface Receiver {
  readonly api: TestApi;
  readonly key: SenderKey;
  createKey(body?: object, as?: { authorization: string }): Promise<SenderKey>;
  post(signed: Signed, dataset?: string): Promise<{ status: number; body: Record<string, string> }>;
  /** Loads until nothing is due. */
  loadAll(): ReturnType<typeof loadQueued>;
  batch(id: string): Promise<Record<string, unknown>>;
  /** A digest of the rows of a dataset, and their number. */
  rowsOf(dataset: DatasetName): Promise<{ count: number; digest: string }>;
}

export async function openReceiver(
  overrides: Parameters<typeof startApi>[0] = {},
): Promise<Receiver> {
  const api = await startApi(overrides);
  const { server, db, a } = api;
  const createKey = async (body: object = {}, as = api.asA) => {
    const answer = await server.inject({
      method: 'POST',
      url: '/v1/ingest/keys',
      headers: as,
      payload: { name: 'switch', ...body },
    });
    if (answer.statusCode !== 201) throw new Error(answer.body);
    return answer.json() as SenderKey;
  };
  return {
    api,
    key: await createKey(),
    createKey,
    async post({ headers, payload }, dataset = 'calls') {
      const url = `/v1/ingest/${dataset}`;
      const answer = await server.inject({ method: 'POST', url, headers, payload });
      return { status: answer.statusCode, body: answer.json() };
    },
    loadAll: () =>
      loadQueued({ database: db.database, holder: 'test' }, AbortSignal.timeout(300_000)),
    async batch(id) {
      const url = `/v1/ingest/batches/${id}`;
      return (await server.inject({ url, headers: api.asA })).json();
    },
    rowsOf: (dataset) =>
      db.database.asTenant(a.id, async (tx) => {
        const [found] = await tx.query<{ count: number; digest: string }>(
          `select count(*)::int as count,
             coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as digest
           from daybook.${dataset} t`,
        );
        return found;
      }),
  };
}
