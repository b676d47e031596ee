import { DaybookError } from '../errors.ts';

/** What an API answered, as rows. */

/** A text, or a number that is no part of one: numbers keep their digits. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * JSON whose numbers are texts, so that no digit of a decimal or of a large whole number is lost.
 * @throws DaybookError `E_INPUT`
 */
export function parseAnswer(text: string, where: string): unknown {
  try {
    return JSON.parse(
      text
        .replace(/^\ufeff/, '')
        .replace(TEXT_OR_NUMBER, (token) => (token.startsWith('"') ? token : `"${token}"`)),
    );
  } catch (error) {
    const reason = `the answer is no JSON: ${text.slice(0, 80)}`;
    throw new DaybookError('E_INPUT', { where, reason }, error);
  }
}

/** What stands at a path: names, or places in lists, joined by dots. Undefined: nothing. */
export function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value;
  let found = value;
  for (const step of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step))
      return undefined;
    found = (found as Record<string, unknown>)[step];
  }
  return found;
}

/** A text at a path; null: none. */
export function textAt(value: unknown, path: string): string | null {
  const found = valueAt(value, path);
  return typeof found === 'string' ? found : null;
}

/** @throws DaybookError `E_INPUT` where there is no list of objects */
export function rowsAt(answer: unknown, path: string, where: string): readonly object[] {
  const rows = valueAt(answer, path);
  const place = path === '' ? 'the answer' : path;
  if (!Array.isArray(rows)) {
    throw new DaybookError('E_INPUT', { where, reason: `${place} is no list of rows` });
  }
  const odd = rows.findIndex(
    (row) => typeof row !== 'object' || row === null || Array.isArray(row),
  );
  if (odd < 0) return rows as object[];
  throw new DaybookError('E_INPUT', { where, reason: `row ${odd + 1} of ${place} is no object` });
}

/** Rows as NDJSON. @throws DaybookError `E_INPUT` where one is nested too deep to be written */
export function asLines(rows: readonly object[], where: string): Buffer {
  try {
    return Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  } catch (error) {
    throw new DaybookError('E_INPUT', { where, reason: 'a row is nested too deep' }, error);
  }
}
