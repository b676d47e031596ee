declare module 'papaparse' {
  const Papa: {
    parse<Row>(
      text: string,
      options?: { delimiter?: string; newline?: string },
    ): { data: Row[]; errors: unknown[] };
    unparse(rows: readonly (readonly unknown[])[]): string;
  };
  export default Papa;
}
