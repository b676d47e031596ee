import { toDaybookError } from '../errors.ts';
import { LocalClock } from '../mapping/local-clock.ts';
import { Row } from '../mapping/row.ts';
import { datasetOf } from '../reports/dataset.ts';
import type { AgentConfig, FilesConfig, SourceConfig, TableConfig } from './agent-config.ts';
import { Folder } from './folder.ts';
import { lineMaker } from './line-maker.ts';
import { openTable } from './tables/open-table.ts';
import { allRows, page } from './tables/page-query.ts';

/** What `--check` finds: each source is looked into, nothing is sent and nothing remembered. */
export interface CheckedSource {
  readonly source: string;
  readonly type: SourceConfig['type'];
  /** Columns, or files. */
  readonly found: readonly string[];
  /** The first row as it would go out. */
  readonly sample: string | null;
  readonly error: string | null;
}

export async function checkSources(
  { sources }: AgentConfig,
  signal: AbortSignal,
): Promise<CheckedSource[]> {
  return Promise.all(
    sources.map(async (source) => {
      const base = { source: source.name, type: source.type };
      try {
        const found =
          source.type === 'files' ? await checkFiles(source) : await checkTable(source, signal);
        return { ...base, ...found, error: null };
      } catch (error) {
        return { ...base, found: [], sample: null, error: toDaybookError(error).message };
      }
    }),
  );
}

async function checkFiles(source: FilesConfig) {
  const folder = new Folder(source);
  await folder.look();
  return { found: [...folder.names].sort(), sample: null };
}

async function checkTable(source: TableConfig, signal: AbortSignal) {
  const table = await openTable(source, signal);
  try {
    const { mode } = source;
    const query =
      mode.kind === 'mirror'
        ? allRows(source, table.dialect)
        : page(source, table.dialect, [mode.rule.column, ...mode.rule.key], null, 1);
    const columns = await table.columnsOf(allRows(source, table.dialect), signal);
    if (mode.kind === 'watermark') {
      const { kind } = { kind: columns.find(({ name }) => name === mode.rule.column)?.watermark };
      if (kind === undefined || kind === null) {
        throw new Error(
          `the column ${mode.rule.column} is no watermark: neither a whole number nor a time`,
        );
      }
      if (kind === 'wall') {
        if (mode.rule.zone === null)
          throw new Error('expected watermark.zone, or a map with a zone');
        new LocalClock(mode.rule.zone).wallOf(0);
      }
    }
    const names = columns.map(({ name }) => name);
    const { dataset: name, map } = source;
    const lines = lineMaker({ dataset: datasetOf(name), map, columns: names, fixedCount: true });
    let sample: string | null = null;
    const row = new Row();
    for await (const [first] of table.read(query, signal)) {
      row.setTexts(first);
      sample = lines.lineOf(row).toString('utf8').trimEnd();
      break;
    }
    return { found: names, sample };
  } finally {
    await table.close();
  }
}
