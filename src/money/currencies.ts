/** Whether a text is the code of a currency (ISO 4217), such as `EUR`, as Intl knows them. */
export function isCurrency(code: string): boolean {
  return known().has(code);
}

let codes: ReadonlySet<string> | null = null;

function known(): ReadonlySet<string> {
  codes ??= new Set(Intl.supportedValuesOf('currency'));
  return codes;
}
