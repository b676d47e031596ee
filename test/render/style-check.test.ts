import ExcelJS from 'exceljs';
import { describe, expect, test } from 'vitest';
import { checkStyles } from '../../src/reports/render/style-check.ts';
import { cellStyles } from '../../src/reports/render/style-registry.ts';
import { unzip } from './support/read-xlsx.ts';

async function stylesXml(formats: readonly string[]): Promise<string> {
  const workbook = new ExcelJS.Workbook();
  const sheet = workbook.addWorksheet('a');
  formats.forEach((numFmt, index) => {
    sheet.getColumn(index + 1).numFmt = numFmt;
  });
  const entries = await unzip(Buffer.from(await workbook.xlsx.writeBuffer()));
  return entries.get('xl/styles.xml')!.toString();
}

describe('style check', () => {
  test('takes the registry in its order and refuses any other', async () => {
    const formats = cellStyles('en').map(({ numFmt }) => numFmt);
    const right = await stylesXml(formats);
    expect(() => checkStyles(right, 'en')).not.toThrow();
    expect(() => checkStyles(right, 'es')).toThrow(/style 2 \(date and time\)/);
    const swapped = await stylesXml([formats[0], formats[2], formats[1], ...formats.slice(3)]);
    expect(() => checkStyles(swapped, 'en')).toThrow(/style 1 \(text\)/);
    expect(() => checkStyles('', 'en')).toThrow(/style 0 \(general\) of the workbook is undefined/);
  });
});
