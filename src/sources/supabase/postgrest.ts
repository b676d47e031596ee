import type { SupabaseClient } from '@supabase/supabase-js';
import { DaybookError } from '../../errors.ts';
import type { ForeignConnection } from '../foreign-source.ts';
import { allOf, quoted, relationOf } from './queries.ts';
import { openReachFetch } from './reach-fetch.ts';
import type { SupabaseServer } from './server.ts';
import { toSupabaseError } from './supabase-error.ts';

/** One request takes so long at most. */
const REQUEST_MS = 120_000;

export interface Ask {
  /** As PostgREST reads it. */
  readonly select: string;
  /** All of them hold. */
  readonly conditions: readonly string[];
  /** Columns, ascending unless said otherwise. */
  readonly order?: readonly string[];
  readonly descending?: boolean;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Of a row: by the names that the select gave. */
export type TextRow = Readonly<Record<string, string | null>>;

export interface Refused {
  readonly code: string;
  readonly message: string;
  readonly status: number;
}

/** One table or view behind PostgREST. Must be closed. */
export interface PostgrestTable {
  /** @throws DaybookError `E_SOURCE`, `E_UNAVAILABLE` */
  rows(ask: Ask): Promise<readonly TextRow[]>;
  /**
   * How many rows there are in all, whatever the limit, beside the first of them: of one snapshot.
   * @throws DaybookError `E_SOURCE`, `E_UNAVAILABLE`
   */
  counted(ask: Ask): Promise<{ readonly count: number; readonly rows: readonly TextRow[] }>;
  /** Why the server refuses a question; null: it does not. @throws DaybookError `E_UNAVAILABLE` */
  refusalOf(ask: Ask): Promise<Refused | null>;
  /** The name and version that it gives itself. */
  server(): string;
  close(): void;
}

export function openPostgrestTable(
  server: SupabaseServer,
  options: { readonly reach: ForeignConnection['reach']; readonly from: string },
): PostgrestTable {
  const what = `the Supabase project at ${server.url.host}`;
  const host = server.url.hostname.replace(/^\[|\]$/g, '');
  const { schema, path } = relationOf(options.from);
  const http = openReachFetch(options.reach);
  let connected: Promise<SupabaseClient> | null = null;

  async function ask(asked: Ask, counts: boolean) {
    const { select, conditions, order = [], descending = false, limit, signal } = asked;
    signal.throwIfAborted();
    // Before the library, which would make a mere text of what is wrong with the address.
    await options.reach(host);
    connected ??= connect(server, http.fetch);
    let query = (await connected)
      .schema(schema)
      .from(path)
      .select(select, counts ? { count: 'exact' } : {})
      .retry(false);
    if (conditions.length > 0) query = query.or(allOf(conditions));
    for (const column of order) {
      query = query.order(quoted(column), { ascending: !descending, nullsFirst: false });
    }
    const answer = await query
      .limit(limit)
      .abortSignal(AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]));
    signal.throwIfAborted();
    return answer;
  }

  async function must(asked: Ask, counts: boolean) {
    const { data, count, error, status } = await ask(asked, counts);
    if (error) {
      throw toSupabaseError({ code: error.code ?? '', message: error.message, status }, what);
    }
    // A library or a gateway that turned a failure into nothing must not make an empty day of it.
    if (!Array.isArray(data) || (counts && !Number.isSafeInteger(count))) {
      const reason = `it answers ${status} with something other than counted rows`;
      throw new DaybookError('E_UNAVAILABLE', { what, reason });
    }
    return { count: count ?? 0, rows: data as unknown as readonly TextRow[] };
  }

  return {
    rows: async (asked) => (await must(asked, false)).rows,
    counted: (asked) => must(asked, true),
    async refusalOf(asked) {
      const { error, status } = await ask(asked, false);
      if (!error) return null;
      const refused = { code: error.code ?? '', message: error.message, status };
      const coded = toSupabaseError(refused, what);
      if (coded.code === 'E_UNAVAILABLE') throw coded;
      return refused;
    },
    server: () => http.server() ?? 'PostgREST',
    close: () => http.close(),
  };
}

/** The library is loaded by whoever needs it: every thread has this file, few have such a source. */
async function connect(
  { url, key, accessToken }: SupabaseServer,
  fetch: typeof globalThis.fetch,
): Promise<SupabaseClient> {
  const [{ createClient }, { default: WebSocket }] = await Promise.all([
    import('@supabase/supabase-js'),
    import('ws'),
  ]);
  return createClient(url.origin, key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: { fetch },
    // It wants one to be created at all, where there is none built in; nothing connects by it.
    realtime: { transport: WebSocket as never },
    ...(accessToken === null ? {} : { accessToken: async () => accessToken }),
  });
}
