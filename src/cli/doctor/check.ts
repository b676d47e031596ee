import { toDaybookError } from '../../errors.ts';

/** One thing that the doctor looked at. Only `fail` makes the command fail. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  /** What was found, and what is expected where it is not well. */
  readonly finding: string;
}

/** What `look` finds; what it throws is a failed check, so that the others are still made. */
export async function check(
  name: string,
  look: () => Promise<Omit<Check, 'name'>> | Omit<Check, 'name'>,
): Promise<Check> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    return { name, state: 'fail', finding: toDaybookError(error).message };
  }
}

export const ok = (finding: string) => ({ state: 'ok', finding }) as const;
export const warn = (finding: string) => ({ state: 'warn', finding }) as const;
export const fail = (finding: string) => ({ state: 'fail', finding }) as const;
