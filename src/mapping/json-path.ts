import { fail } from './map-values.ts';

/**
 * A column's name as a path into a JSON object: `customer.address.city`, `payments.0.amount`, and
 * `lines[].sku`, which is of each element of a list. `lines[]` alone is the element's place, from 1.
 */
export interface JsonPath {
  readonly name: string;
  /** Of the list, and then within its element; null: the path goes through none. */
  readonly list: readonly string[] | null;
  readonly steps: readonly string[];
}

const OF_LIST = '[]';

/** Whether any of these names is a path; others are names of an object's own members. */
export function hasPaths(names: readonly string[]): boolean {
  return names.some((name) => name.includes('.') || name.includes(OF_LIST));
}

function parseJsonPath(name: string): JsonPath {
  const at = name.indexOf(OF_LIST);
  if (at <= 0) return { name, list: null, steps: name.split('.') };
  const rest = name.slice(at + OF_LIST.length);
  if (rest.includes(OF_LIST) || (rest !== '' && !/^\../s.test(rest))) {
    fail('fields', name, 'a path with one [] at most, such as lines[].product.sku');
  }
  return {
    name,
    list: name.slice(0, at).split('.'),
    steps: rest === '' ? [] : rest.slice(1).split('.'),
  };
}

/** @throws DaybookError `E_MAP` when the paths go through several lists */
export function parseJsonPaths(names: readonly string[]): readonly JsonPath[] {
  const paths = names.map(parseJsonPath);
  const lists = [...new Set(paths.flatMap(({ list }) => (list === null ? [] : [list.join('.')])))];
  if (lists.length > 1) {
    fail('fields', lists.map((list) => `${list}${OF_LIST}`).join(' and '), 'one list alone');
  }
  return paths;
}

/** What stands at a path; undefined: nothing. Members that objects inherit are none. */
export function valueAt(from: unknown, steps: readonly string[]): unknown {
  let at = from;
  for (const step of steps) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[step];
  }
  return at;
}
