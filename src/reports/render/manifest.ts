import type { CellValue } from '../chunk.ts';
import type { ReportDocument, Table } from '../document.ts';
import type { Run } from './splice.ts';

/**
 * The `manifest.json` beside a CSV in a zip: what the file says of itself, for programs. Instants
 * are ISO 8601 in UTC, names are snake_case as in the API.
 */
export function manifestOf(document: ReportDocument, csv: { name: string; content: Run }): string {
  const { window, columns } = document;
  const manifest = {
    report: document.report,
    title: document.title,
    tenant: document.tenant,
    locale: document.locale,
    grain: document.grain,
    period: { from: document.period.from, to: document.period.to },
    zones: document.zones,
    window: { start: isoOf(window.start), end: isoOf(window.end) },
    irregular_days: document.irregularDays.map(({ date, zone, hours, startsAt }) => ({
      date,
      zone,
      hours,
      starts_at: startsAt,
    })),
    data_as_of: document.dataAsOf === null ? null : isoOf(document.dataAsOf),
    revision: document.revision,
    ...(document.incompleteDays ? { incomplete_days: document.incompleteDays } : {}),
    filters: document.filters,
    params: Object.fromEntries(document.params.map(({ name, value }) => [name, value])),
    file: {
      name: csv.name,
      rows: document.rows,
      bytes: csv.content.rawBytes,
      crc32: csv.content.crc32.toString(16).padStart(8, '0'),
      columns: columns.map(({ key, header, type, unit }) => ({ key, header, type, unit })),
    },
    totals: recordsOf(document.totals),
    ...(document.balances ? { balances: recordsOf(document.balances) } : {}),
    by_day: recordsOf(document.byDay),
    control: recordsOf(document.control),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function recordsOf(table: Table): Record<string, CellValue>[] {
  return table.rows.map((row) =>
    Object.fromEntries(
      table.columns.map(({ key, type }, index) => {
        const cell = row[index];
        const isInstant = type === 'instant' && typeof cell === 'number';
        return [key, isInstant ? isoOf(cell) : cell];
      }),
    ),
  );
}

function isoOf(instantMs: number): string {
  return new Date(instantMs).toISOString();
}
