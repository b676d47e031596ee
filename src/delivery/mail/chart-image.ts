import { createRequire } from 'node:module';
import { renderAsync } from '@resvg/resvg-js';
import { CHART_FONT, type DayChart } from './day-chart.ts';

/** Lato, of tyPoland Lukasz Dziedzic, SIL Open Font License 1.1; it comes with its package. */
const FONT = createRequire(import.meta.url).resolve(
  '@expo-google-fonts/lato/400Regular/Lato_400Regular.ttf',
);

/** Charts of a report go to each of its recipients: those drawn last are kept. */
const KEPT = 64;
const drawn = new Map<string, Promise<Buffer>>();

/** {@link drawChart}, or the image that was drawn of the same chart a moment ago. */
export function chartImage(chart: DayChart): Promise<Buffer> {
  const kept = drawn.get(chart.svg);
  if (kept) return kept;
  const image = drawChart(chart);
  drawn.set(chart.svg, image);
  image.catch(() => drawn.delete(chart.svg));
  const [oldest] = drawn.keys();
  if (drawn.size > KEPT) drawn.delete(oldest);
  return image;
}

/**
 * The chart as PNG, at twice its size for sharp screens; drawn beside the thread, in some 10 ms.
 * Reads no other font and no other file: an SVG of ours names none.
 */
async function drawChart(chart: DayChart): Promise<Buffer> {
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
