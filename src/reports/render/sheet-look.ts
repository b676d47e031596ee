import type { Alignment, Borders, Fill, Font } from 'exceljs';

/** The look of a workbook's own cells, in one place. Colours are ARGB. */

export const INK = 'FF1F2A37';
const ACCENT = 'FF1F5C7A';
const ACCENT_LIGHT = 'FFE6F0F4';
const LINE = 'FFB9C7CF';
const QUIET = 'FF5B6B78';

export const BAR_COLOUR = 'FF8CC3D9';
export const TAB_COLOURS = { summary: ACCENT, detail: 'FF6AA5BC', control: 'FF9AA7B0' };

export const TITLE_FONT: Partial<Font> = {
  name: 'Calibri',
  size: 20,
  bold: true,
  color: { argb: ACCENT },
};
export const SECTION_FONT: Partial<Font> = {
  name: 'Calibri',
  size: 13,
  bold: true,
  color: { argb: ACCENT },
};
export const LABEL_FONT: Partial<Font> = { name: 'Calibri', size: 11, color: { argb: QUIET } };
export const VALUE_FONT: Partial<Font> = { name: 'Calibri', size: 11, color: { argb: INK } };
export const HEADER_FONT: Partial<Font> = {
  name: 'Calibri',
  size: 11,
  bold: true,
  color: { argb: 'FFFFFFFF' },
};
export const STRONG_FONT: Partial<Font> = {
  name: 'Calibri',
  size: 11,
  bold: true,
  color: { argb: INK },
};

export const HEADER_FILL: Fill = { type: 'pattern', pattern: 'solid', fgColor: { argb: ACCENT } };
export const STRONG_FILL: Fill = {
  type: 'pattern',
  pattern: 'solid',
  fgColor: { argb: ACCENT_LIGHT },
};

export const ROW_BORDER: Partial<Borders> = { bottom: { style: 'hair', color: { argb: LINE } } };
export const SECTION_BORDER: Partial<Borders> = {
  bottom: { style: 'medium', color: { argb: ACCENT } },
};

export const HEADER_HEIGHT_POINTS = 22;

export function headerAlignment(numeric: boolean): Partial<Alignment> {
  return { horizontal: numeric ? 'right' : 'left', vertical: 'middle', wrapText: true };
}
