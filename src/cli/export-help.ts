import { datasetOf } from '../reports/dataset.ts';
import { columnsAt, type ReportKind } from '../reports/define-report.ts';
import { listReportKinds } from '../reports/registry.ts';

/** What `daybook export --help` tells of the reports. */
export function reportsHelp(): string {
  return `
Reports:
${listReportKinds().map(reportHelp).join('\n')}
Filters (--where, repeated ones are joined by AND):
  field=v1,v2   field!=v1,v2   field>=v   field<=v   field~text (contains)
`;
}

function reportHelp(kind: ReportKind): string {
  const grains = kind.grains.map((grain) =>
    grain === kind.defaultGrain && kind.grains.length > 1 ? `${grain} (default)` : grain,
  );
  const columns = kind.columns.map((column) => {
    const at = kind.grains.filter((grain) => columnsAt(kind, grain).includes(column));
    const only = at.length < kind.grains.length ? ` (${at.join(', ')})` : '';
    return column.key + (column.unit ? ` [${column.unit}]` : '') + only;
  });
  const fields = datasetOf(kind.dataset).fields.map(({ name }) => name);
  return [
    `  ${kind.name}: ${kind.description.en}`,
    listed('grains', grains),
    listed('columns', columns),
    listed('filters', fields),
    ...(kind.params.length > 0
      ? [
          listed(
            'params',
            kind.params.map(
              (param) => `${param.name}=${param.min}…${param.max} (default ${param.default})`,
            ),
          ),
        ]
      : []),
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
