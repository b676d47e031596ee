/**
 * One line for a shell that asks for a workbook of the demo's calls and puts it into the current
 * folder: the inner `curl` asks for the export and waits, the outer one fetches its file.
 */
export function curlLine(demo: {
  /** Without a slash at the end. */
  readonly url: string;
  readonly keyToken: string;
  readonly firstDate: string;
  readonly lastDate: string;
}): string {
  const key = `-H 'Authorization: Bearer ${demo.keyToken}'`;
  const body = JSON.stringify({
    report: 'calls',
    from: demo.firstDate,
    to: demo.lastDate,
    format: 'xlsx',
  });
  const ask =
    `curl -fsS ${key} -H 'Prefer: wait=60' -H 'Content-Type: application/json' ` +
    `-d '${body}' ${demo.url}/v1/exports`;
  return `curl -fsS -o demo-calls.xlsx ${key} "${demo.url}$(${ask} | grep -o '/v1/exports/[^"]*/file')"`;
}
