/** What `daybook up` prints when it is ready: where it is, and a first workbook to fetch. */
export function welcomeText(options: {
  url: string;
  demo: { readonly tenantName: string; readonly keyToken: string; readonly lastDate: string } | null;
}): string {
  const { url, demo } = options;
  const lines = ['', `Daybook is up at ${url}   (reference: ${url}/docs, Ctrl-C ends it)`];
  if (demo) {
    lines.push(
      '',
      `Demo tenant ${demo.tenantName}, API key ${demo.keyToken}`,
      'A first workbook, into this folder:',
      '',
      `  ${firstWorkbook(url, demo)}`,
    );
  }
  return `${lines.join('\n')}\n\n`;
}
