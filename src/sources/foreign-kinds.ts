import type { SourceKind } from '../store/sources.ts';
import { openForeignPostgres } from './foreign-postgres/foreign-postgres.ts';
import { parseServer } from './foreign-postgres/server.ts';
import type { ForeignConnection, OpenForeign } from './foreign-source.ts';
import { openMongo } from './mongodb/mongodb-source.ts';
import { parseServer as parseMongo } from './mongodb/server.ts';
import { parseServer as parseProject } from './supabase/server.ts';
import { openSupabase } from './supabase/supabase-source.ts';

/** What speaks with each kind of foreign database. */
export interface ForeignKind {
  readonly open: OpenForeign;
  /**
   * The hosts that settings lead to.
   * @throws DaybookError `E_INVALID` for settings or credentials that are not of this kind
   */
  readonly hostsOf: (of: Pick<ForeignConnection, 'settings' | 'credentials'>) => readonly string[];
}

/** Null: no adapter of that kind is built in. */
export const FOREIGN_KINDS: Readonly<Record<SourceKind, ForeignKind | null>> = {
  postgres: { open: openForeignPostgres, hostsOf: (of) => [parseServer(of).host] },
  mongodb: {
    open: openMongo,
    hostsOf: (of) => parseMongo(of).hosts.map(({ name }) => name.replace(/^\[|\]$/g, '')),
  },
  supabase: {
    open: openSupabase,
    hostsOf: (of) => [parseProject(of).url.hostname.replace(/^\[|\]$/g, '')],
  },
};
