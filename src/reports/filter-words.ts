import type { Filter } from './request.ts';

/** `queue = PS, NE`. */
export function filterInWords({ field, op, values }: Filter): string {
  return `${field} ${op} ${values.join(', ')}`;
}
