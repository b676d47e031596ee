import { posix } from 'node:path';
import { Row, type RowReader } from '../mapping/row.ts';
import type { Bytes } from './byte-source.ts';
import { checkColumns } from './delimited-reader.ts';
import {
  type CellStyle,
  columnIndexOf,
  dateText,
  durationText,
  numberText,
  PLAIN,
  styleOf,
  unescapeText,
} from './xlsx-cell.ts';
import {
  broken,
  openPackage,
  readXml,
  walkXml,
  type XlsxPackage,
  type XmlHandler,
} from './xlsx-package.ts';

/** Excel's own limit of columns; a cell beyond it is nothing that Excel wrote. */
const MOST_COLUMNS = 16_384;
const MOST_SHARED_CHARACTERS = 256 * 2 ** 20;
const WORKBOOK = 'xl/workbook.xml';

/**
 * Rows of one sheet of an .xlsx file, streamed. The first row that is not empty names the columns,
 * unless `header` does; empty rows are no rows. Dates come as ISO wall times, numbers with up to
 * 15 digits and without exponent, formulas as their last result.
 * @param sheet by name; null: the first one
 */
export async function openWorkbook(
  bytes: Bytes,
  options: {
    readonly name: string;
    readonly sheet: string | null;
    readonly header: readonly string[] | null;
  },
): Promise<RowReader> {
  const { name } = options;
  const book = await openPackage(bytes, name);
  try {
    const { part, date1904 } = await findSheet(book, options.sheet, name);
    const styles = await readStyles(book, name);
    const shared = await readSharedStrings(book, name);
    const sheet = new SheetRows(styles, shared, date1904);
    const walk = walkXml(await book.open(part), sheet, name);
    let header = options.header;
    let pending: SheetRow[] = [];
    while (header === null) {
      const { done } = await walk.next();
      pending.push(...sheet.take());
      if (pending.length > 0)
        header = pending.shift()?.texts.map((text, i) => text ?? `column_${i + 1}`) ?? [];
      else if (done) throw broken(name, 'the sheet is empty; expected a row of column names');
    }
    const columns = header;
    checkColumns(columns, name);
    const row = new Row();
    const dateCells = new Uint8Array(columns.length);
    let number = 0;
    return {
      columns,
      async next(visit) {
        const { done } = pending.length > 0 ? { done: false } : await walk.next();
        const rows = pending.length > 0 ? pending : sheet.take();
        pending = [];
        for (const { texts, dates } of rows) {
          while (texts.length > columns.length && texts.at(-1) === null) texts.pop();
          while (texts.length < columns.length) texts.push(null);
          row.number = ++number;
          row.setTexts(texts);
          row.raw = Buffer.from(texts.map((text) => text ?? '').join('\t'));
          dateCells.fill(0);
          for (const index of dates) if (index < columns.length) dateCells[index] = 1;
          row.dateCells = dateCells;
          visit(row);
        }
        return !done;
      },
      close: async () => {
        await walk.return(undefined);
        await book.close();
      },
    };
  } catch (error) {
    await book.close();
    throw error;
  }
}

interface SheetRow {
  readonly texts: (string | null)[];
  /** Indexes of cells that are dates. */
  readonly dates: number[];
}

class SheetRows implements XmlHandler {
  readonly #styles: readonly CellStyle[];
  readonly #shared: readonly string[];
  readonly #date1904: boolean;
  #rows: SheetRow[] = [];
  #texts: (string | null)[] = [];
  #dates: number[] = [];
  #column = -1;
  #type = 'n';
  #style: CellStyle = PLAIN;
  #text = '';
  #collects = false;
  #phonetic = false;

  constructor(styles: readonly CellStyle[], shared: readonly string[], date1904: boolean) {
    this.#styles = styles;
    this.#shared = shared;
    this.#date1904 = date1904;
  }

  take(): SheetRow[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === 'row') {
      this.#texts = [];
      this.#dates = [];
      this.#column = -1;
    } else if (name === 'c') {
      const { r, t = 'n', s } = attributes;
      this.#column = r === undefined ? this.#column + 1 : columnIndexOf(r);
      this.#type = t;
      this.#style = s === undefined ? PLAIN : (this.#styles[Number(s)] ?? PLAIN);
      this.#text = '';
    } else if (name === 'rPh') {
      this.#phonetic = true;
    } else {
      this.#collects = name === 'v' || (name === 't' && !this.#phonetic);
    }
  }

  text(text: string): void {
    if (this.#collects) this.#text += text;
  }

  close(name: string): void {
    this.#collects = false;
    if (name === 'rPh') this.#phonetic = false;
    if (name === 'c' && this.#text !== '' && this.#column >= 0 && this.#column < MOST_COLUMNS) {
      while (this.#texts.length < this.#column) this.#texts.push(null);
      this.#texts[this.#column] = this.#cellText();
    }
    if (name === 'row' && this.#texts.some((text) => text !== null && text !== '')) {
      this.#rows.push({ texts: this.#texts, dates: this.#dates });
    }
  }

  #cellText(): string {
    switch (this.#type) {
      case 's':
        return this.#shared[Number(this.#text)] ?? '';
      case 'inlineStr':
      case 'str':
        return unescapeText(this.#text);
      case 'b':
        return this.#text === '1' ? 'true' : 'false';
      case 'e':
        return this.#text;
      case 'd':
        this.#dates.push(this.#column);
        return this.#text;
      default:
        return this.#numberText(Number(this.#text));
    }
  }

  #numberText(value: number): string {
    if (!Number.isFinite(value)) return this.#text;
    const style = this.#style;
    if (style.kind === 'duration') return durationText(value);
    if (style.kind === 'zeros') return numberText(value).padStart(style.digits, '0');
    const date = style.kind === 'date' ? dateText(value, this.#date1904) : null;
    if (date === null) return numberText(value);
    this.#dates.push(this.#column);
    return date;
  }
}

async function findSheet(book: XlsxPackage, wanted: string | null, name: string) {
  const sheets: { name: string; id: string }[] = [];
  let date1904 = false;
  await readXml(
    await book.open(WORKBOOK),
    {
      open(tag, attributes) {
        if (tag === 'sheet') {
          const id = Object.entries(attributes).find(([key]) => key.endsWith(':id'))?.[1] ?? '';
          sheets.push({ name: attributes['name'] ?? '', id });
        }
        if (tag === 'workbookPr') date1904 = /^(1|true)$/.test(attributes['date1904'] ?? '');
      },
    },
    name,
  );
  const sheet = wanted === null ? sheets[0] : sheets.find((each) => each.name === wanted);
  if (!sheet) {
    const names = sheets.map((each) => JSON.stringify(each.name)).join(', ');
    throw broken(name, `it has no sheet ${JSON.stringify(wanted)}; it has ${names}`);
  }
  let target = '';
  await readXml(
    await book.open('xl/_rels/workbook.xml.rels'),
    {
      open(tag, attributes) {
        if (tag === 'Relationship' && attributes['Id'] === sheet.id)
          target = attributes['Target'] ?? '';
      },
    },
    name,
  );
  const part = target.startsWith('/') ? target.slice(1) : posix.join('xl', target);
  return { part, date1904 };
}

async function readStyles(book: XlsxPackage, name: string): Promise<CellStyle[]> {
  if (!book.has('xl/styles.xml')) return [];
  const codes = new Map<number, string>();
  const styles: CellStyle[] = [];
  let inCells = false;
  await readXml(
    await book.open('xl/styles.xml'),
    {
      open(tag, attributes) {
        if (tag === 'numFmt')
          codes.set(Number(attributes['numFmtId']), attributes['formatCode'] ?? '');
        if (tag === 'cellXfs') inCells = true;
        if (tag === 'xf' && inCells) {
          const id = Number(attributes['numFmtId'] ?? 0);
          styles.push(styleOf(id, codes.get(id) ?? null));
        }
      },
      close(tag) {
        if (tag === 'cellXfs') inCells = false;
      },
    },
    name,
  );
  return styles;
}

async function readSharedStrings(book: XlsxPackage, name: string): Promise<string[]> {
  const part = 'xl/sharedStrings.xml';
  if (!book.has(part)) return [];
  const strings: string[] = [];
  let text = '';
  let characters = 0;
  let collects = false;
  let phonetic = false;
  await readXml(
    await book.open(part),
    {
      open(tag) {
        if (tag === 'si') text = '';
        if (tag === 'rPh') phonetic = true;
        collects = tag === 't' && !phonetic;
      },
      text(piece) {
        if (collects) text += piece;
      },
      close(tag) {
        collects = false;
        if (tag === 'rPh') phonetic = false;
        if (tag !== 'si') return;
        characters += text.length;
        if (characters > MOST_SHARED_CHARACTERS)
          throw broken(name, 'its shared texts are too large');
        strings.push(unescapeText(text));
      },
    },
    name,
  );
  return strings;
}
