import { buffer } from 'node:stream/consumers';
import { SaxesParser } from 'saxes';
import * as XLSX from 'xlsx';
import { fromBufferPromise } from 'yauzl';

/** The entries of a zip archive by name, CRC checked by yauzl's reader. */
export async function unzip(archive: Buffer): Promise<Map<string, Buffer>> {
  const zip = await fromBufferPromise(archive, { lazyEntries: true, autoClose: false });
  const entries = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) {
    entries.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)));
  }
  return entries;
}

/** Throws where the XML is not well-formed. */
export function parseXml(xml: string): void {
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(xml).close();
}

/** The texts of all `<t>` elements, as an XML parser gives them. */
export function textsIn(xml: string): string[] {
  const texts: string[] = [];
  let current: string | null = null;
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name }) => {
    if (name === 't') current = '';
  });
  parser.on('text', (text) => {
    if (current !== null) current += text;
  });
  parser.on('closetag', ({ name }) => {
    if (name === 't' && current !== null) {
      texts.push(current);
      current = null;
    }
  });
  parser.write(xml).close();
  return texts;
}

/** What Excel does with a text that it reads: `_xHHHH_` is the character of that number. */
export function asExcelReads(text: string): string {
  return text.replace(/_x([0-9a-f]{4})_/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** A sheet's cells by SheetJS: raw values, null where empty; dates as serial numbers. */
export function sheetRows(file: Buffer, sheet: string): (string | number | null)[][] {
  const book = XLSX.read(file, { cellFormula: true, dense: false });
  return XLSX.utils.sheet_to_json(book.Sheets[sheet], { header: 1, defval: null, raw: true });
}

/** The wall time of a serial number, to the ms, as `YYYY-MM-DD HH:MM:SS.mmm`. */
export function wallOfSerial(serial: number): string {
  return new Date(Math.floor((serial - 25_569) * 86_400_000))
    .toISOString()
    .slice(0, -1)
    .replace('T', ' ');
}
