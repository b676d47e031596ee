import { describeReports, type ReportDescription } from '../reports/describe.ts';

/** What `daybook export --help` tells of the reports. */
export function reportsHelp(): string {
  return `
Reports:
${describeReports('en').map(reportHelp).join('\n')}
Filters (--where; repeated ones are joined by AND):
  field=v1,v2   field!=v1,v2   field>=v   field<=v   field~text (contains)
`;
}

function reportHelp(report: ReportDescription): string {
  const grains = report.grains.map((grain) =>
    grain === report.default_grain && report.grains.length > 1 ? `${grain} (default)` : grain,
  );
  const columns = report.columns.map(({ key, unit, grains: at }) => {
    const only = at.length < report.grains.length ? ` (${at.join(', ')})` : '';
    return key + (unit ? ` [${unit}]` : '') + only;
  });
  const params = report.params.map(
    ({ name, min, max, default: usual }) => `${name}=${min}…${max} (default ${usual})`,
  );
  return [
    `  ${report.report}: ${report.description}`,
    listed('grains', grains),
    listed('columns', columns),
    listed(
      'filters',
      report.filters.map(({ field }) => field),
    ),
    ...(params.length > 0 ? [listed('params', params)] : []),
    '',
  ].join('\n');
}

function listed(title: string, words: readonly string[]): string {
  const indent = ' '.repeat(15);
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 84)
      lines[lines.length - 1] += `, ${word}`;
    else {
      if (last !== undefined) lines[lines.length - 1] += ',';
      lines.push(word);
    }
  }
  return `    ${`${title}:`.padEnd(11)}${lines.join(`\n${indent}`)}`;
}
