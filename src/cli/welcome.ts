import { curlLine } from '../demo/curl-line.ts';
import type { DemoTenant } from '../demo/ensure-demo.ts';

/** What `daybook up` prints when it is ready: where it is, and a first workbook to fetch. */
export function welcomeText(options: { url: string; demo: DemoTenant | null }): string {
  const { url, demo } = options;
  const lines = ['', `Daybook is up at ${url}   (reference: ${url}/docs, Ctrl-C ends it)`];
  if (demo) {
    lines.push(
      '',
      `Demo tenant ${demo.tenantName}, API key ${demo.keyToken}`,
      'A first workbook, into this folder:',
      '',
      `  ${curlLine({ url, ...demo })}`,
    );
  }
  return `${lines.join('\n')}\n\n`;
}
