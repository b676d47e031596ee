import { DaybookError } from '../../errors.ts';

/** How PostgREST refuses: its own code or an SQLSTATE, and the status of the answer. */
export interface PostgrestRefusal {
  readonly code: string;
  readonly message: string;
  /** 0: there was no answer. */
  readonly status: number;
}

/** What a person must mend. PostgREST's codes: https://docs.postgrest.org/en/stable/references/errors.html */
const MEANINGS: readonly (readonly [RegExp, where: string])[] = [
  [/^(PGRST30\d|28...)$/, 'credential'],
  [/^42501$/, 'rights'],
  [/^(42P01|PGRST205|PGRST106|3F000)$/, 'table'],
  [/^(42703|PGRST204)$/, 'column'],
];
/** It goes down or comes up, has no connection left, ended our statement or met a conflict. */
const OF_THE_MOMENT = /^(PGRST00\d|08...|53...|57...|40...|55P03|25P0[34]|58...)$/;

/** `E_SOURCE` for what a person must mend, `E_UNAVAILABLE` for what may pass. */
export function toSupabaseError(refusal: PostgrestRefusal, what: string): DaybookError {
  const { code, message, status } = refusal;
  const mayPass = status === 0 || status === 408 || status === 429 || status >= 500;
  const meaning = MEANINGS.find(([codes]) => codes.test(code));
  if (OF_THE_MOMENT.test(code) || (mayPass && !meaning)) {
    return new DaybookError('E_UNAVAILABLE', { what, reason: shortened(message, status) });
  }
  const where = meaning?.[1] ?? (status === 401 || status === 403 ? 'credential' : what);
  return new DaybookError('E_SOURCE', { where, reason: shortened(message, status) });
}

/** A gateway answers with a page of HTML. */
function shortened(message: string, status: number): string {
  const text = message.trim();
  return text === '' || text.startsWith('<') ? `it answers ${status}` : text.slice(0, 300);
}
