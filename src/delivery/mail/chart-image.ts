import { createRequire } from 'node:module';
import { renderAsync } from '@resvg/resvg-js';
import { CHART_FONT, type DayChart } from './day-chart.ts';

/** Lato, of tyPoland Lukasz Dziedzic, SIL Open Font License 1.1; it comes with its package. */
const FONT = createRequire(import.meta.url).resolve(
  '@expo-google-fonts/lato/400Regular/Lato_400Regular.ttf',
);

/**
 * The chart as PNG, at twice its size for sharp screens; drawn beside the thread, in some 10 ms.
 * Reads no other font and no other file: an SVG of ours names none.
 */
export async function chartImage(chart: DayChart): Promise<Buffer> {
  const image = await renderAsync(chart.svg, {
    fitTo: { mode: 'width', value: chart.widthPx * 2 },
    font: {
      loadSystemFonts: false,
      fontFiles: [FONT],
      defaultFontFamily: CHART_FONT,
      sansSerifFamily: CHART_FONT,
    },
  });
  return image.asPng();
}
