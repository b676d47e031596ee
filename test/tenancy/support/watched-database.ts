import type { PoolClient } from 'pg';
import type { Database, Tx } from '../../../src/store/database.ts';

/** A database whose statements can be seen, and spoilt, on their way. */
export interface Watch {
  /** Of a tenant's transactions only. */
  readonly rewrite?: (text: string, values: readonly unknown[]) => [string, readonly unknown[]];
  readonly onStatement?: (role: 'tenant' | 'system', text: string) => void;
  /** What a tenant's transaction is given. */
  readonly onRows?: (rows: unknown) => void;
}

export function watched(database: Database, watch: Watch): Database {
  const wrap = (tx: Tx, role: 'tenant' | 'system'): Tx => {
    const pass = (text: string, values: readonly unknown[] = []): [string, unknown[]] => {
      watch.onStatement?.(role, oneLine(text));
      const [spoilt, given] =
        role === 'tenant' && watch.rewrite ? watch.rewrite(text, values) : [text, values];
      return [spoilt, [...given]];
    };
    const spoilt = (client: PoolClient) =>
      new Proxy(client, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function') return value;
          if (name !== 'query') return value.bind(target);
          return (query: { text: string }, ...rest: unknown[]) => {
            query.text = pass(query.text)[0];
            return value.call(target, query, ...rest);
          };
        },
      });
    return {
      abandon: tx.abandon,
      connection: async () => spoilt(await tx.connection()),
      run: (text, values) => tx.run(...pass(text, values)),
      query: async (text, values) => {
        const rows = await tx.query(...pass(text, values));
        if (role === 'tenant') watch.onRows?.(rows);
        return rows as never;
      },
    };
  };
  return {
    asTenant: (id, work, options) =>
      database.asTenant(id, (tx) => work(wrap(tx, 'tenant')), options),
    asSystem: (work, options) => database.asSystem((tx) => work(wrap(tx, 'system')), options),
    asOwner: (work, options) => database.asOwner(work, options),
    close: () => database.close(),
  };
}

export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

const END =
  /^(order by|group by|limit|returning|for update|for no key|on conflict|union|having|window)\b/i;

/** Every condition of a statement made true, and so its WHERE gone; still valid, same parameters. */
export function withoutWhere(text: string): string {
  let at = 0;
  let made = '';
  for (;;) {
    const found = /\bwhere\b/i.exec(text.slice(at));
    if (!found) return made + text.slice(at);
    const start = at + found.index + found[0].length;
    const isFilter = /filter\s*\(\s*$/i.test(text.slice(0, at + found.index));
    const end = isFilter ? start : endOfCondition(text, start);
    made += text.slice(at, start);
    if (!isFilter) made += ` true or (${withoutWhere(text.slice(start, end))})`;
    at = end;
    if (!isFilter) made += ' ';
  }
}

function endOfCondition(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === "'") at = text.indexOf("'", at + 1);
    else if (character === '(') depth++;
    else if (character === ')' && --depth < 0) return at;
    else if (depth === 0 && /\s/.test(text[at - 1] ?? '') && END.test(text.slice(at))) return at;
  }
  return text.length;
}

/** Every comparison with a tenant made true. */
export function withoutTenantFilter(text: string): string {
  return text.replace(
    /\b(?:\w+\.)?tenant_id\s*=\s*(?:\$\d+(?:::uuid)?|\w+\.tenant_id)/gi,
    '(true or $&)',
  );
}
