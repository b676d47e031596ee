import ExcelJS from 'exceljs';
import { describe, expect, test } from 'vitest';
import { checkStyles } from '../../src/reports/render/style-check.ts';
import { type CellStyle, cellStyles } from '../../src/reports/render/style-registry.ts';
import { unzip } from './support/read-xlsx.ts';

async function stylesXml(styles: readonly CellStyle[]): Promise<string> {
  const workbook = new ExcelJS.Workbook();
  const sheet = workbook.addWorksheet('a');
  styles.forEach(({ numFmt, alignedLeft }, index) => {
    const column = sheet.getColumn(index + 1);
    column.numFmt = numFmt;
    if (alignedLeft) column.alignment = { horizontal: 'left' };
  });
  const entries = await unzip(Buffer.from(await workbook.xlsx.writeBuffer()));
  return entries.get('xl/styles.xml')!.toString();
}

describe('style check', () => {
  test('takes the registry in its order and refuses any other', async () => {
    const styles = [...cellStyles('en')];
    const right = await stylesXml(styles);
    expect(() => checkStyles(right, 'en')).not.toThrow();
    expect(() => checkStyles(right, 'es')).toThrow(/style 2 \(date and time\)/);
    const swapped = await stylesXml([styles[0], styles[2], styles[1], ...styles.slice(3)]);
    expect(() => checkStyles(swapped, 'en')).toThrow(/style 1 \(text\)/);
    const unaligned = await stylesXml(styles.map((style) => ({ ...style, alignedLeft: false })));
    expect(() => checkStyles(unaligned, 'en')).toThrow(/style 2 \(date and time\)/);
    expect(() => checkStyles('', 'en')).toThrow(/style 0 \(general\) of the workbook is undefined/);
  });
});
