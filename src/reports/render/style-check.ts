import { DaybookError } from '../../errors.ts';
import type { Locale } from '../request.ts';
import { cellStyles } from './style-registry.ts';

/** Formats that a workbook names by number alone (ECMA-376 part 1, 18.8.30); those we use. */
const BUILT_IN: Readonly<Record<number, string>> = { 0: 'General', 1: '0', 3: '#,##0', 49: '@' };

/**
 * Checks that the styles of a `styles.xml` bear the numbers of the registry.
 * @throws DaybookError `E_INTERNAL` at the first that does not
 */
export function checkStyles(stylesXml: string, locale: Locale): void {
  const formats = new Map<string, string>();
  for (const [element] of stylesXml.matchAll(/<numFmt [^>]*>/g)) {
    formats.set(attribute(element, 'numFmtId'), unescapeXml(attribute(element, 'formatCode')));
  }
  const cellXfs = /<cellXfs[^>]*>(.*?)<\/cellXfs>/s.exec(stylesXml)?.[1] ?? '';
  const found = [...cellXfs.matchAll(/<xf [^>]*?(?:\/>|>(.*?)<\/xf>)/gs)].map(
    ([element, inner = '']) => {
      const id = attribute(element, 'numFmtId');
      const format = formats.get(id) ?? BUILT_IN[Number(id)] ?? id;
      const parts = ['fontId', 'fillId', 'borderId'].map((part) => attribute(element, part));
      return describe(format, inner, parts.join() !== '0,0,0');
    },
  );
  cellStyles(locale).forEach(({ name, numFmt, alignedLeft }, id) => {
    const expected = describe(numFmt, alignedLeft ? '<alignment horizontal="left"/>' : '', false);
    if (found[id] !== expected) {
      throw new DaybookError('E_INTERNAL', {
        reason: `style ${id} (${name}) of the workbook is ${found[id]}, expected ${expected}`,
      });
    }
  });
}

function describe(format: string, inner: string, decorated: boolean): string {
  return `${format}${inner === '' ? '' : ` ${inner}`}${decorated ? ', decorated' : ''}`;
}

function attribute(element: string, name: string): string {
  return new RegExp(` ${name}="([^"]*)"`).exec(element)?.[1] ?? '';
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
