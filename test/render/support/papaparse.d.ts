declare module 'papaparse' {
  const Papa: {
    parse<Row>(
      text: string,
      options?: { delimiter?: string; newline?: string },
    ): { data: Row[]; errors: unknown[] };
  };
  export default Papa;
}
