import { DaybookError } from '../errors.ts';
import type { FieldSource, SourceText } from './load-map.ts';
import type { Row } from './row.ts';
import type { Span } from './span.ts';

/** Finds the text of a field in a row, before it is read as what the field's type wants. */
export type Locate = (row: Row, into: Span) => Located;
export type Located = typeof NONE | typeof FOUND | typeof MISMATCH;

export const NONE = 0;
export const FOUND = 1;
/** The map's `match` has no rule that fits; the span holds the text. */
export const MISMATCH = 2;

/** Different texts that a `match` remembers its answer for. */
const REMEMBERED_TEXTS = 10_000;

/**
 * @param indexOf where a column stands; throws `E_MAP` when the file has none of that name
 * @throws DaybookError `E_MAP` for a column that the file does not have
 */
export function compileLocate(
  source: FieldSource,
  indexOf: (column: string, where: string) => number,
): Locate {
  let locate = compileText(source.text, source.where, indexOf);
  if (source.trim) locate = trimmed(locate);
  if (source.empty.length > 0) locate = unlessOneOf(locate, source.empty);
  if (source.match) locate = matched(locate, source);
  if (source.when) {
    locate = onlyWhen(locate, indexOf(source.when.column, `${source.where}.when`), source.when.is);
  }
  if (source.fallback !== null) locate = orElse(locate, source.fallback);
  return locate;
}

function compileText(
  text: SourceText,
  where: string,
  indexOf: (column: string, where: string) => number,
): Locate {
  switch (text.kind) {
    case 'column': {
      const index = indexOf(text.column, where);
      return (row, into) => {
        const start = row.starts[index];
        const end = row.ends[index];
        if (end <= start) return NONE;
        into.bytes = row.bytes;
        into.start = start;
        into.end = end;
        return FOUND;
      };
    }
    case 'value': {
      const bytes = Buffer.from(text.value);
      return (_row, into) => {
        into.set(bytes, 0, bytes.length);
        return bytes.length === 0 ? NONE : FOUND;
      };
    }
    case 'row_number': {
      const bytes = Buffer.alloc(20);
      return (row, into) => {
        into.set(bytes, 0, bytes.write(String(row.number), 'latin1'));
        return FOUND;
      };
    }
    case 'join':
      return joined(
        text.parts.map((part) => compileText(part, where, indexOf)),
        text.parts.map((part) => part.kind === 'column'),
        Buffer.from(text.separator),
      );
    case 'first': {
      const parts = text.of.map((part) => compileText(part, where, indexOf));
      return (row, into) => {
        for (const part of parts) if (part(row, into) === FOUND) return FOUND;
        return NONE;
      };
    }
    case 'latest':
      throw new DaybookError('E_INTERNAL', { reason: `${where}: latest has no text of its own` });
  }
}

/** None when all of its columns are empty. */
function joined(parts: readonly Locate[], isColumn: readonly boolean[], separator: Buffer): Locate {
  let scratch = Buffer.alloc(256);
  return (row, into) => {
    let length = 0;
    let columns = 0;
    let filled = 0;
    for (let i = 0; i < parts.length; i++) {
      const found = parts[i](row, into) === FOUND;
      if (isColumn[i]) {
        columns++;
        if (found) filled++;
      }
      const size = found ? into.end - into.start : 0;
      if (length + separator.length + size > scratch.length) {
        scratch = Buffer.concat([scratch], (length + separator.length + size) * 2);
      }
      if (i > 0) for (let j = 0; j < separator.length; j++) scratch[length++] = separator[j];
      for (let j = 0; j < size; j++) scratch[length++] = into.bytes[into.start + j];
    }
    into.set(scratch, 0, length);
    return columns > 0 && filled === 0 ? NONE : FOUND;
  };
}

function trimmed(locate: Locate): Locate {
  return (row, into) => {
    const located = locate(row, into);
    if (located === FOUND) into.trim();
    return located === FOUND && into.start === into.end ? NONE : located;
  };
}

function orElse(locate: Locate, fallback: string): Locate {
  const bytes = Buffer.from(fallback);
  return (row, into) => {
    const located = locate(row, into);
    if (located !== NONE) return located;
    into.set(bytes, 0, bytes.length);
    return FOUND;
  };
}

function unlessOneOf(locate: Locate, texts: readonly string[]): Locate {
  const none = texts.map((text) => Buffer.from(text));
  return (row, into) => {
    const located = locate(row, into);
    return located === FOUND && isOneOf(into.bytes, into.start, into.end, none) ? NONE : located;
  };
}

function onlyWhen(locate: Locate, index: number, is: readonly string[]): Locate {
  const wanted = is.map((text) => Buffer.from(text));
  return (row, into) => {
    const end = Math.max(row.starts[index], row.ends[index]);
    return isOneOf(row.bytes, row.starts[index], end, wanted) ? locate(row, into) : NONE;
  };
}

/** The value of the first rule that fits; `$1` to `$9` stand for what its groups caught. */
function matched(locate: Locate, source: FieldSource): Locate {
  const rules = source.match ?? [];
  const remembered = new Map<string, Buffer | null | undefined>();
  const answer = (text: string): Buffer | null | undefined => {
    for (const { pattern, value } of rules) {
      const match = pattern.exec(text);
      if (!match) continue;
      if (value === null) return null;
      return Buffer.from(value.replace(/\$([1-9])/g, (_, group) => match[Number(group)] ?? ''));
    }
    // An empty text that no rule takes is no value.
    return text === '' ? null : undefined;
  };
  return (row, into) => {
    const text = locate(row, into) === FOUND ? into.text() : '';
    let value = remembered.get(text);
    if (value === undefined && !remembered.has(text)) {
      value = answer(text);
      if (remembered.size < REMEMBERED_TEXTS) remembered.set(text, value);
    }
    if (value === undefined) return MISMATCH;
    if (value === null || value.length === 0) return NONE;
    into.set(value, 0, value.length);
    return FOUND;
  };
}

/** Is `bytes[start, end)` one of these? */
export function isOneOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  texts: readonly Uint8Array[],
): boolean {
  const length = end - start;
  next: for (const text of texts) {
    if (text.length !== length) continue;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== text[i]) continue next;
    return true;
  }
  return false;
}
