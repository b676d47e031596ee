/** What stands around rows and cells in SpreadsheetML, whoever writes them. */

export const ROW = Buffer.from('<row>');
export const ROW_AT = Buffer.from('<row r="');
export const ROW_AT_END = Buffer.from('">');
export const ROW_END = Buffer.from('</row>');
export const EMPTY_CELL = Buffer.from('<c/>');
export const NUMBER_BEGIN = '><v>';
export const TEXT_BEGIN = ' t="inlineStr"><is>';
export const NUMBER_END = Buffer.from('</v></c>');
export const TEXT_END = Buffer.from('</is></c>');
