import { DaybookError } from '../../errors.ts';
import { columnsUsed } from '../../mapping/load-map.ts';
import { datasetOf } from '../../reports/dataset.ts';
import type { ForeignPlace } from '../foreign-source.ts';
import type { PostgrestTable } from './postgrest.ts';
import { type AnchorType, onlyConditions, quoted, selectTexts } from './queries.ts';
import { toSupabaseError } from './supabase-error.ts';

/** What must be known of a place before rows can be asked for. */
export interface Inspected {
  readonly anchorType: AnchorType;
  /** Columns that the map reads, and those that every page needs. */
  readonly columns: readonly string[];
}

/** No time: the server's refusal of it names the type of the column. */
const NO_TIME = 'no time';
const INVALID_DATETIME = '22007';

/**
 * PostgREST tells nobody but administrators what a table is like, so the server is asked questions
 * whose refusals tell it.
 * @throws DaybookError `E_SOURCE`, `E_MAP`, `E_UNAVAILABLE`
 */
export async function inspectPlace(
  table: PostgrestTable,
  place: ForeignPlace,
  signal: AbortSignal,
): Promise<Inspected> {
  const anchorType = await anchorTypeOf(table, place, signal);
  const used = await usedColumns(table, place, signal);
  const { only, keyColumn, anchorColumn, updatedColumn } = place;
  const needed = [keyColumn, anchorColumn, ...(only ? [only.column] : [])];
  const columns = [...new Set([...used, ...needed])];
  const named = updatedColumn === null ? columns : [...columns, updatedColumn];
  const conditions = onlyConditions(only);
  await table.rows({ select: selectTexts(named), conditions, limit: 0, signal });
  return { anchorType, columns };
}

async function anchorTypeOf(
  table: PostgrestTable,
  { anchorColumn, map }: ForeignPlace,
  signal: AbortSignal,
): Promise<AnchorType> {
  const anchor = quoted(anchorColumn);
  const refused = await table.refusalOf({
    select: anchor,
    conditions: [`${anchor}.eq.${quoted(NO_TIME)}`],
    ...{ limit: 0, signal },
  });
  if (refused !== null && refused.code !== INVALID_DATETIME) {
    throw toSupabaseError(refused, 'anchor column');
  }
  // Servers of any language name types so.
  if (refused?.message.includes('timestamp with time zone')) return 'timestamptz';
  if (!refused?.message.includes('timestamp')) {
    const reason = `${anchorColumn} is neither timestamptz nor timestamp`;
    throw new DaybookError('E_SOURCE', { where: 'anchor column', reason });
  }
  if (map.zone !== null) return 'timestamp';
  throw new DaybookError('E_MAP', {
    where: 'zone',
    got: 'nothing',
    expected: `an IANA name such as Europe/London: ${anchorColumn} says no offset`,
  });
}

/** Without a map, columns that bear the names of fields, as far as there are any. */
async function usedColumns(
  table: PostgrestTable,
  { map, dataset }: ForeignPlace,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names = [...columnsUsed(map, datasetOf(dataset))];
  if (map.fields !== null) return names;
  const are = await Promise.all(
    names.map(async (name) => {
      const refused = await table.refusalOf({
        ...{ select: quoted(name), conditions: [], limit: 0, signal },
      });
      if (refused === null) return true;
      if (refused.code === '42703') return false;
      throw toSupabaseError(refused, 'table');
    }),
  );
  return names.filter((_, index) => are[index]);
}
