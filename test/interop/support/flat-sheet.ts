import { SaxesParser } from 'saxes';

/** A cell of a flat OpenDocument sheet: its type, its value, and whether it is a formula. */
export interface FlatCell {
  readonly type: string;
  readonly value: string;
  readonly formula: string | null;
}

/** The cells of a sheet in LibreOffice's flat XML, row by row; trailing empty ones left out. */
export function flatRows(fods: Buffer, sheet: string): FlatCell[][] {
  const rows: FlatCell[][] = [];
  let inside = false;
  let row: FlatCell[] = [];
  let cell: { type: string; value: string | null; formula: string | null; repeat: number } | null =
    null;
  let text = '';
  let paragraphs = 0;
  let inParagraph = false;
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) => {
    if (name === 'table:table') inside = attributes['table:name'] === sheet;
    if (!inside) return;
    if (name === 'table:table-row') row = [];
    if (name === 'table:table-cell') {
      text = '';
      paragraphs = 0;
      cell = {
        type: attributes['office:value-type'] ?? '',
        value: attributes['office:date-value'] ?? attributes['office:value'] ?? null,
        formula: attributes['table:formula'] ?? null,
        repeat: Number(attributes['table:number-columns-repeated'] ?? 1),
      };
    }
    if (name === 'text:p') {
      inParagraph = true;
      if (paragraphs++ > 0) text += '\n';
    }
    if (name === 'text:s') text += ' '.repeat(Number(attributes['text:c'] ?? 1));
    if (name === 'text:tab') text += '\t';
    if (name === 'text:line-break') text += '\n';
  });
  parser.on('text', (part) => {
    if (cell !== null && inParagraph) text += part;
  });
  parser.on('closetag', ({ name }) => {
    if (name === 'table:table') inside = false;
    if (name === 'text:p') inParagraph = false;
    if (name === 'table:table-cell' && cell !== null) {
      const { type, value, formula, repeat } = cell;
      const one = { type, value: value ?? text, formula };
      if (type !== '' || repeat < 1000) row.push(...Array<FlatCell>(repeat).fill(one));
      cell = null;
    }
    if (name === 'table:table-row' && inside) {
      while (row.length > 0 && row.at(-1)?.type === '') row.pop();
      rows.push(row);
    }
  });
  parser.write(fods.toString('utf8')).close();
  while (rows.length > 0 && rows.at(-1)?.length === 0) rows.pop();
  return rows;
}
