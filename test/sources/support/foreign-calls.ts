import { BSON } from 'mongodb';
import pg from 'pg';
import { freshDatabase } from '../../support/database.ts';
import { type MongoStub, startMongoStub } from '../mongodb/support/mongo-stub.ts';
import { startPostgrest, tokenOf } from '../supabase/postgrest-server.ts';
import { openProject } from '../supabase/project.ts';

/** Calls as a telephone exchange keeps them in a database of its own. */
export interface ForeignCall {
  readonly id: string;
  /** UTC epoch ms. */
  readonly at: number;
  readonly caller: string;
  readonly queue: string | null;
  readonly talk: number;
}

/** Must be closed. */
export interface ForeignCalls {
  /** As `POST /v1/sources` and its bindings take them. */
  readonly source: {
    readonly kind: string;
    readonly settings: object;
    readonly credentials: object;
  };
  readonly place: { readonly from: string; readonly map: object };
  insert(calls: readonly ForeignCall[]): Promise<void>;
  changeCaller(id: string, caller: string): Promise<void>;
  /** How often somebody began to read rows, not only to count them. */
  readings(): number;
  /** From now on whatever is read breaks off once rows have come. */
  breakOff(broken: boolean): void;
  close(): Promise<void>;
}

const OWNER = 'acme';
export const ONLY = { column: 'company', equals: OWNER };
const FIELDS = {
  ...{ external_id: 'id', started_at: 'at', ended_at: 'until', disposition: 'status' },
  ...{ caller: 'src', queue: 'q', talk_seconds: 'talk' },
};

export async function openMongoCalls(): Promise<ForeignCalls> {
  const stub: MongoStub = await startMongoStub();
  const documents: Buffer[] = [];
  stub.collections.set('calls', documents);
  const bytesOf = (document: BSON.Document) => {
    const bytes = BSON.serialize(document);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  return {
    source: {
      kind: 'mongodb',
      settings: { host: stub.host, database: 'stub', tls: 'off' },
      credentials: {},
    },
    place: { from: 'calls', map: { fields: FIELDS } },
    async insert(calls) {
      for (const { id, at, caller, queue, talk } of calls) {
        const until = new Date(at + talk * 1000);
        const rest = {
          src: caller,
          q: queue,
          status: 'answered',
          talk: BSON.Long.fromNumber(talk),
        };
        const call = {
          company: OWNER,
          id,
          at: new Date(at),
          until,
          changed: new Date(at),
          ...rest,
        };
        documents.push(bytesOf({ _id: new BSON.ObjectId(), ...call }));
      }
    },
    async changeCaller(id, caller) {
      const found = documents.findIndex((bytes) => BSON.deserialize(bytes)['id'] === id);
      const document = BSON.deserialize(documents[found], { promoteValues: false });
      documents[found] = bytesOf({ ...document, src: caller, changed: new Date() });
    },
    readings: () =>
      stub.commands.filter((command) => 'find' in command && !('limit' in command)).length,
    breakOff(broken) {
      let finds = 0;
      stub.onGetMore = broken ? () => 'cut' : null;
      // The first page comes; where it goes on from there, nothing more does.
      stub.onFind = broken ? () => (finds++ === 0 ? 'answer' : 'cut') : null;
    },
    close: () => stub.close(),
  };
}

export async function openSupabaseCalls(): Promise<ForeignCalls> {
  const database = await freshDatabase('template1');
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`create schema pbx;
    create table pbx.calls (company text not null, id text primary key, at timestamptz not null,
      until timestamptz, src text, q text, status text, talk int,
      changed timestamptz not null default clock_timestamp());
    create index on pbx.calls (company, at, id);
    grant usage on schema pbx to service_role;
    grant select on pbx.calls to service_role`);
  const postgrest = await startPostgrest({
    ...{ databaseUrl: database.url, schemas: 'pbx', maxRows: 1000 },
  });
  const project = await openProject(postgrest.url);
  let readings = 0;
  let isBroken = false;
  let pages = 0;
  project.meddle = ({ page, url }) => {
    if (page === 0) return 'pass';
    const isFirst = !url.searchParams.get('or')?.includes('"id".gt');
    if (isFirst) readings += 1;
    pages = isFirst ? 1 : pages + 1;
    return isBroken && pages > 1 ? 'fail' : 'pass';
  };
  return {
    source: {
      kind: 'supabase',
      settings: { url: project.url },
      credentials: { key: 'sb_secret_x', access_token: await tokenOf({ role: 'service_role' }) },
    },
    place: { from: 'pbx.calls', map: { fields: FIELDS } },
    async insert(calls) {
      await client.query(
        `insert into pbx.calls select $1, id, timestamptz 'epoch' + at * interval '1 ms',
           timestamptz 'epoch' + (at + talk * 1000) * interval '1 ms', caller, queue, 'answered', talk
         from json_to_recordset($2) as c (id text, at bigint, caller text, queue text, talk int)`,
        [OWNER, JSON.stringify(calls)],
      );
    },
    async changeCaller(id, caller) {
      await client.query(
        'update pbx.calls set src = $2, changed = clock_timestamp() where id = $1',
        [id, caller],
      );
    },
    readings: () => readings,
    breakOff(broken) {
      isBroken = broken;
    },
    async close() {
      await project.close();
      await postgrest.stop();
      await client.end();
      await database.drop();
    },
  };
}
