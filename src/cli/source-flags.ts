import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import type { RawBinding } from '../bindings/save-source.ts';
import { DaybookError, toFileError } from '../errors.ts';
import type { BoundDataset } from '../store/source-bindings.ts';

/** The flags and files of `daybook source`, read. */

export interface BindFlags {
  readonly tenant: string;
  readonly dataset: string;
  readonly from: string;
  readonly map: string;
  readonly anchor: string;
  readonly key: string;
  readonly only?: string;
  readonly onlyPrefix?: string;
  readonly updated?: string;
  readonly fromDate?: string;
  readonly toDate?: string;
}

/** @throws DaybookError `E_USAGE` */
export function rawBindingOf(options: BindFlags, map: object): RawBinding {
  const { from, anchor, key, only, onlyPrefix, updated = null } = options;
  const dataset = datasetAt(options.dataset);
  if (only !== undefined && onlyPrefix !== undefined) {
    throw usage('--only-prefix', 'it beside --only', 'one of the two');
  }
  const pair = only ?? onlyPrefix;
  const [column, value] = pair === undefined ? ['', ''] : parsePair('--only', pair);
  const how = only === undefined ? { column, startsWith: value } : { column, equals: value };
  return {
    ...{ dataset, from, map, anchorColumn: anchor, keyColumn: key, updatedColumn: updated },
    only: pair === undefined ? null : how,
    ...{ fromDate: options.fromDate ?? null, toDate: options.toDate ?? null },
  };
}

/** Of `--dataset`: those that may stand elsewhere. @throws DaybookError `E_USAGE` */
export function datasetAt(dataset: string): BoundDataset {
  if (dataset === 'calls' || dataset === 'order_lines') return dataset;
  throw usage('--dataset', dataset, 'calls or order_lines');
}

/** `name=value`, neither empty; an error repeats the name alone. @throws DaybookError `E_USAGE` */
export function parsePair(where: string, pair: string): [string, string] {
  const at = pair.indexOf('=');
  if (at > 0 && at < pair.length - 1) return [pair.slice(0, at), pair.slice(at + 1)];
  throw usage(where, pair.slice(0, Math.max(0, at)), 'name=value');
}

/** A JSON object from a file, or `-` from stdin. @throws DaybookError `E_USAGE`, `E_IO` */
export async function readObject(path: string): Promise<object> {
  let text: string;
  try {
    text = path === '-' ? await textOf(process.stdin) : await readFile(path, 'utf8');
  } catch (error) {
    throw toFileError(error, path);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Its text may be a secret: it is not repeated.
  }
  throw usage(path, 'another text', 'a JSON object');
}

/** The same where all values are texts. @throws DaybookError `E_USAGE`, `E_IO` */
export async function readTexts(path: string): Promise<Record<string, string>> {
  const entries = Object.entries(await readObject(path));
  const wrong = entries.find(([, value]) => typeof value !== 'string');
  if (wrong) throw usage(path, `${wrong[0]}, which is no text`, 'texts by name');
  return Object.fromEntries(entries) as Record<string, string>;
}

export function usage(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_USAGE', { where, got, expected });
}
