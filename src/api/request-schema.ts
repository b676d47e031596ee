import type { FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import { DaybookError } from '../errors.ts';

/** Checks the parts of a request against their schemas; what is wrong is named field by field. */

export interface FieldProblem {
  readonly where: string;
  readonly got: string;
  readonly expected: string;
}

/** `E_INVALID` for the first problem, with all of them aboard. */
export class InvalidRequest extends DaybookError {
  readonly problems: readonly FieldProblem[];

  constructor(problems: readonly FieldProblem[]) {
    super('E_INVALID', { ...problems[0] });
    this.problems = problems;
  }
}

/** Longest part of a value that an answer repeats. */
const SHOWN = 200;

export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data: unknown) => {
    const part = httpPart === 'querystring' ? 'query' : (httpPart ?? 'request');
    const unsound = unsoundText(data, []);
    if (unsound) return { error: new InvalidRequest([unsound]) };
    const parsed = schema.safeParse(data, { reportInput: true });
    if (parsed.success) return { value: parsed.data };
    const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
    return {
      error: new InvalidRequest(
        parsed.error.issues.flatMap((issue) => problemsOf(issue, part, known)),
      ),
    };
  };

/** A value as an answer repeats it: JSON, cut where it is long. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function problemsOf(
  issue: z.core.$ZodIssue,
  part: string,
  known: readonly string[],
): FieldProblem[] {
  const where = placeOf(issue.path, part);
  const got = shown(issue.input);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        where: placeOf([...issue.path, key], part).slice(0, SHOWN),
        got: 'a name that is not known here',
        expected:
          issue.path.length === 0 && known.length > 0
            ? `any of ${known.join(', ')}`
            : 'no such name',
      }));
    case 'invalid_type':
      return [{ where, got, expected: expectedType(issue) }];
    case 'invalid_value':
      return [{ where, got, expected: `one of ${issue.values.join(', ')}` }];
    case 'invalid_union':
      return [{ where, got, expected: 'one of the forms that the API description lists' }];
    case 'too_big':
      return [{ where, got, expected: `${issue.origin} of at most ${issue.maximum}` }];
    case 'too_small':
      return [{ where, got, expected: `${issue.origin} of at least ${issue.minimum}` }];
    default:
      return [{ where, got, expected: issue.message }];
  }
}

/** What the schema says in words of its own, or the name of the type. */
function expectedType({ message, expected }: z.core.$ZodIssueInvalidType): string {
  if (!message.startsWith('Invalid input')) return message;
  return `${/^[aeio]/.test(expected) ? 'an' : 'a'} ${expected}`;
}

function placeOf(path: readonly PropertyKey[], part: string): string {
  if (path.length === 0) return part;
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('');
}

/** Text that no table can hold: NUL, half of a surrogate pair; or a name that means a prototype. */
function unsoundText(value: unknown, path: readonly (string | number)[]): FieldProblem | null {
  if (typeof value === 'string') {
    if (!value.includes('\0') && value.isWellFormed()) return null;
    return {
      where: placeOf(path, 'request'),
      got: shown(value),
      expected: 'well-formed Unicode text without NUL',
    };
  }
  if (value === null || typeof value !== 'object') return null;
  for (const [key, inner] of Object.entries(value)) {
    const here = [...path, Array.isArray(value) ? Number(key) : key];
    const found =
      key === '__proto__' || unsoundText(key, here)
        ? {
            where: placeOf(path, 'request'),
            got: shown(key),
            expected: 'names of well-formed text, none of them __proto__',
          }
        : unsoundText(inner, here);
    if (found) return found;
  }
  return null;
}
