import { DaybookError } from '../errors.ts';
import { suggestion } from './suggest.ts';

/** Values of requests as they came: checked, or refused by the name of their field. */

/** @throws DaybookError `E_INVALID` */
export function oneOf<T extends string>(
  raw: unknown,
  where: string,
  choices: readonly T[],
  usual: T,
): T {
  if (raw === undefined) return usual;
  const found = choices.find((choice) => choice === raw);
  if (found !== undefined) return found;
  const near = typeof raw === 'string' ? suggestion(raw, choices) : '';
  throw invalid(where, quoted(raw), `one of ${choices.join(', ')}${near}`);
}

/** @throws DaybookError `E_INVALID` */
export function textOf(raw: unknown, where: string, expected: string): string {
  if (typeof raw === 'string' && raw !== '') return raw;
  throw invalid(where, raw === undefined ? 'nothing' : quoted(raw), expected);
}

/** @throws DaybookError `E_INVALID` */
export function demandRecord(raw: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) {
    return raw as Readonly<Record<string, unknown>>;
  }
  throw invalid(where, quoted(raw), 'an object');
}

/** What came, short enough for a message. */
export function quoted(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The error that names the field, what came and what is expected. */
export function invalid(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_INVALID', { where, got, expected });
}
