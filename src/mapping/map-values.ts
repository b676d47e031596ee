import { DaybookError } from '../errors.ts';
import { parseZone } from '../time/zone.ts';

/** Values of a map as they must be, or an `E_MAP` that says where, what came, what is expected. */

export type Json = Readonly<Record<string, unknown>>;

export function zoneAt(raw: unknown): string {
  const text = textAt('zone', raw);
  try {
    return parseZone(text, 'zone');
  } catch {
    return fail('zone', text, 'an IANA name such as Europe/London');
  }
}

export function delimiterAt(raw: unknown): string {
  if (typeof raw === 'string' && /^[\x01-\x7f]$/.test(raw) && !/["\r\n]/.test(raw)) return raw;
  return fail('delimiter', raw, 'one ASCII character, no quote and no line break');
}

export function booleanAt(where: string, raw: unknown): boolean {
  return typeof raw === 'boolean' ? raw : fail(where, raw, 'true or false');
}

export function textAt(where: string, raw: unknown, mayBeEmpty = false): string {
  if (typeof raw === 'string' && (mayBeEmpty || raw !== '')) return raw;
  return fail(where, raw, 'a text');
}

export function scalarAt(where: string, raw: unknown): string {
  if (typeof raw === 'string') return raw;
  if (typeof raw === 'number' && Number.isFinite(raw)) return String(raw);
  return fail(where, raw, 'a text or a number');
}

export function textsAt(where: string, raw: unknown): readonly string[] {
  if (Array.isArray(raw) && raw.length > 0) {
    return raw.map((each, i) => scalarAt(`${where}[${i}]`, each));
  }
  return [scalarAt(where, raw)];
}

export function namesAt(where: string, raw: unknown): readonly string[] {
  if (!Array.isArray(raw) || raw.length === 0) fail(where, raw, 'a list of column names');
  const names = (raw as unknown[]).map((name, i) => textAt(`${where}[${i}]`, name));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) fail(where, `${twice} twice`, 'every name once');
  return names;
}

export function objectAt(where: string, raw: unknown, keys: readonly string[]): Json {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    fail(where, raw, 'an object');
  }
  const unknown = Object.keys(raw as Json).find((key) => !keys.includes(key));
  if (unknown !== undefined) fail(where, `the key ${unknown}`, `any of ${keys.join(', ')}`);
  return raw as Json;
}

export function fail(where: string, got: unknown, expected: string): never {
  const text =
    got === undefined ? 'nothing' : typeof got === 'string' ? got : (JSON.stringify(got) ?? '');
  throw new DaybookError('E_MAP', { where, got: text.slice(0, 200), expected });
}
