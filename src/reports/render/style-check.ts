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
  const found = [...cellXfs.matchAll(/<xf [^>]*>/g)].map(([element]) => {
    const id = attribute(element, 'numFmtId');
    const plain = ['fontId', 'fillId', 'borderId'].every(
      (part) => attribute(element, part) === '0',
    );
    const format = formats.get(id) ?? BUILT_IN[Number(id)] ?? id;
    return plain ? format : `${format} with a look of its own`;
  });
  cellStyles(locale).forEach(({ name, numFmt }, id) => {
    if (found[id] !== numFmt) {
      throw new DaybookError('E_INTERNAL', {
        reason: `style ${id} (${name}) of the workbook is ${found[id]}, expected ${numFmt}`,
      });
    }
  });
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
