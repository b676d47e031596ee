/** `Range` of RFC 9110 over a whole of known length. */

export type ByteRange =
  | { readonly kind: 'whole' }
  /** Both ends inclusive. */
  | { readonly kind: 'part'; readonly first: number; readonly last: number }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: ByteRange = { kind: 'whole' };

/**
 * One range gives a part. Several, other units and malformed headers give the whole, which the
 * RFC allows; a set of which no range touches the bytes is unsatisfiable.
 */
export function parseByteRange(header: string | undefined, length: number): ByteRange {
  const set = /^bytes=(.*)$/i.exec(header?.trim() ?? '')?.[1];
  if (set === undefined) return WHOLE;
  const specs = set.split(',').map((spec) => /^[ \t]*(\d*)-(\d*)[ \t]*$/.exec(spec));
  const ranges: { first: number; last: number }[] = [];
  for (const spec of specs) {
    if (!spec || (spec[1] === '' && spec[2] === '')) return WHOLE;
    const [first, last] = endsOf(spec[1], spec[2], length);
    if (spec[1] !== '' && spec[2] !== '' && Number(spec[2]) < Number(spec[1])) return WHOLE;
    if (first < length && first <= last) ranges.push({ first, last });
  }
  if (ranges.length === 0) return { kind: 'unsatisfiable' };
  return specs.length === 1 ? { kind: 'part', ...ranges[0] } : WHOLE;
}

function endsOf(first: string, last: string, length: number): [number, number] {
  if (first === '')
    return [Math.max(0, length - Number(last)), Number(last) === 0 ? -1 : length - 1];
  return [Number(first), last === '' ? length - 1 : Math.min(Number(last), length - 1)];
}

/** Whether a list of entity tags (or `*`) names this one; weak comparison, as If-None-Match asks. */
export function namesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return [...header.matchAll(/(?:W\/)?("[^"]*")/g)].some(([, tag]) => tag === etag);
}
