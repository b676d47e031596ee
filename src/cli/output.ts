/** How commands print results: for people in columns, for programs as one JSON document. */

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Columns under headings, aligned, without colours: fit for reading and for `grep`. */
export function printTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((cells) => [...(cells[column] ?? '')].length)),
  );
  for (const cells of lines) {
    const text = cells.map((cell, column) => cell.padEnd(widths[column])).join('  ');
    process.stdout.write(`${text.trimEnd()}\n`);
  }
}
