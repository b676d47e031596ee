import { DaybookError } from '../errors.ts';
import { type JsonPath, parseJsonPaths, valueAt } from '../mapping/json-path.ts';
import type { Bytes } from './byte-source.ts';

/**
 * Nested objects made flat: of each line of NDJSON one line for each element of the list that the
 * paths go through, with the members that are asked for under the names of their paths. An object
 * whose list is missing or empty becomes one line without it, so that it is refused and not lost. What is
 * no object passes as it is, for the reader to say so.
 */

const LF = 10;
const LONGEST_LINE_BYTES = 16 * 2 ** 20;
const CHUNK_BYTES = 1 << 16;
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Stands before the digits of a number, which are never made a float. */
const MARK = '\ue000#';
const MARKED = /"\ue000#(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"/g;

/**
 * @param names columns that the map reads
 * @param withRest also the object's own members that are no objects and no lists
 * @throws DaybookError `E_MAP` when paths go through several lists; `E_INPUT` for an endless line
 */
export function flattened(bytes: Bytes, names: readonly string[], withRest: boolean): Bytes {
  const paths = parseJsonPaths(names);
  const list = paths.find((path) => path.list !== null)?.list ?? null;
  return chunked((line) => {
    const object = parsed(line);
    if (object === null) return `${line}\n`;
    try {
      return flatLines(object, paths, list, withRest);
    } catch (error) {
      // Nested too deep to be written again.
      if (error instanceof RangeError) return `${line}\n`;
      throw error;
    }
  }, linesOf(bytes));
}

function parsed(line: string): object | null {
  if (line.trim() === '') return null;
  try {
    const text = line.replace(TEXT_OR_NUMBER, (token) =>
      token.startsWith('"') ? token : `"${MARK}${token}"`,
    );
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function flatLines(
  object: object,
  paths: readonly JsonPath[],
  list: readonly string[] | null,
  withRest: boolean,
): string {
  const found = list === null ? null : valueAt(object, list);
  const elements = Array.isArray(found) && found.length > 0 ? found : [undefined];
  const rest = withRest
    ? Object.entries(object).filter(([, value]) => typeof value !== 'object' || value === null)
    : [];
  let text = '';
  elements.forEach((element, i) => {
    const members: [string, unknown][] = [...rest];
    for (const path of paths) {
      const value = Object.hasOwn(object, path.name)
        ? (object as Readonly<Record<string, unknown>>)[path.name]
        : path.list === null
          ? valueAt(object, path.steps)
          : path.steps.length === 0
            ? element === undefined
              ? undefined
              : String(i + 1)
            : valueAt(element, path.steps);
      if (value !== undefined) members.push([path.name, value]);
    }
    text += `${JSON.stringify(Object.fromEntries(members)).replace(MARKED, '$1')}\n`;
  });
  return text;
}

async function* linesOf(bytes: Bytes): AsyncGenerator<string> {
  let tail: Buffer = Buffer.alloc(0);
  let count = 0;
  for await (const piece of bytes) {
    const whole: Buffer = tail.length === 0 ? piece : Buffer.concat([tail, piece]);
    let at = 0;
    for (let end = whole.indexOf(LF); end >= 0; end = whole.indexOf(LF, at)) {
      count++;
      yield whole.toString('utf8', at, end);
      at = end + 1;
    }
    tail = Buffer.from(whole.subarray(at));
    if (tail.length > LONGEST_LINE_BYTES) {
      const reason = `it does not end within ${LONGEST_LINE_BYTES} bytes`;
      throw new DaybookError('E_INPUT', { where: `line ${count + 1}`, reason });
    }
  }
  if (tail.length > 0) yield tail.toString('utf8');
}

/** Many short lines in one piece. */
async function* chunked(
  flatten: (line: string) => string,
  lines: AsyncIterable<string>,
): AsyncGenerator<Buffer> {
  let text = '';
  for await (const line of lines) {
    text += flatten(line);
    if (text.length < CHUNK_BYTES) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}
