import { DaybookError } from '../errors.ts';
import type { PlaceStep } from './place.ts';

/** What goes to Daybook in one step, and how it stands in a file. */

export type ItemKind =
  | 'rows'
  | 'complete'
  | 'mirror_begin'
  | 'mirror_rows'
  | 'mirror_commit'
  | 'note';

/** A body as it goes out, gzip coded. */
export interface Part {
  /** `webhook-id`. */
  readonly id: string;
  readonly bytes: Buffer;
  readonly rows: number;
}

export interface Item {
  readonly kind: ItemKind;
  /** Where its rows come from, for logs. */
  readonly position: string;
  readonly step: PlaceStep;
  readonly parts: readonly Part[];
  /** Of a mirror: what begin and commit say. */
  readonly about?: Readonly<Record<string, string | number | null>>;
}

/** One line of JSON, then the bodies. */
export function encodeItem(item: Item): Buffer[] {
  const parts = item.parts.map(({ id, bytes, rows }) => ({ id, rows, length: bytes.length }));
  const head = Buffer.from(`${JSON.stringify({ ...item, parts })}\n`);
  return [head, ...item.parts.map(({ bytes }) => bytes)];
}

/** @throws DaybookError `E_IO`: it is cut off */
export function decodeItem(bytes: Buffer, where: string): Item {
  const end = bytes.indexOf(10);
  const head = JSON.parse(bytes.toString('utf8', 0, end)) as Omit<Item, 'parts'> & {
    readonly parts: readonly { id: string; rows: number; length: number }[];
  };
  let at = end + 1;
  const parts = head.parts.map(({ id, rows, length }) => {
    const part = { id, rows, bytes: bytes.subarray(at, at + length) };
    at += length;
    return part;
  });
  if (at !== bytes.length) {
    throw new DaybookError('E_IO', { where, reason: 'the batch is cut off' });
  }
  return { ...head, parts };
}
