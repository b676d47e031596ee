import type { Coding } from '../reports/stored-form.ts';

/**
 * Which coding `Accept-Encoding` (RFC 9110, 12.5.3) asks for, of those that a file can be had in.
 * gzip where it is wished no less than the plain file; what refuses both gets the plain file, since
 * who asked wants the file more than the coding.
 */
export function wantedCoding(header: string | undefined): Coding {
  const weights = new Map<string, number>();
  for (const member of (header ?? '').split(',')) {
    const match = /^\s*([^\s;]+)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i.exec(member);
    if (match) weights.set(match[1].toLowerCase(), Number(match[2] ?? 1));
  }
  const gzip = weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0;
  const identity = weights.get('identity') ?? weights.get('*') ?? 0;
  return gzip > 0 && gzip >= identity ? 'gzip' : 'identity';
}
