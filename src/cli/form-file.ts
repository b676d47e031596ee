import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import type { z } from 'zod';
import { DaybookError, toFileError } from '../errors.ts';

/** What commands read from files: forms as the API takes them, and secrets. */

/** @param where the file, for messages @throws DaybookError `E_USAGE` that names every problem */
export function parseForm<T extends z.ZodType>(form: T, raw: unknown, where: string): z.output<T> {
  const parsed = form.safeParse(raw);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const place = path.map(String).join('.');
    return place === '' ? message : `${place}: ${message}`;
  });
  throw new DaybookError('E_USAGE', {
    ...{ where, got: 'what does not fit', expected: problems.join('; ') },
  });
}

/** The first line of a file, or `-` of stdin: a secret never stands among arguments. @throws DaybookError `E_IO` */
export async function readFirstLine(path: string): Promise<string> {
  try {
    const text = path === '-' ? await textOf(process.stdin) : await readFile(path, 'utf8');
    return text.split(/\r?\n/, 1)[0];
  } catch (error) {
    throw toFileError(error, path);
  }
}
