import { DaybookError } from '../errors.ts';
import { parsePeriod } from '../time/period.ts';
import { parseZone } from '../time/zone.ts';
import { checkFilter, MAX_FILTERS } from './check-filter.ts';
import { type DatasetName, datasetOf } from './dataset.ts';
import { columnsAt, type ReportKind } from './define-report.ts';
import { parseFilterText } from './filter.ts';
import { demandRecord, invalid, oneOf, quoted, textOf } from './raw-value.ts';
import { reportKind } from './registry.ts';
import {
  CELL_REFS,
  FILTER_OPS,
  type Filter,
  type FilterOp,
  type Grain,
  HEADERS,
  LOCALES,
  type Locale,
  type ParamValue,
  type ReportRequest,
} from './request.ts';
import { suggestion } from './suggest.ts';

/**
 * A request as it came: from JSON or from command-line options. A key whose value is undefined is
 * as good as absent. `columns` may be one text with commas; a filter may be text
 * (`parseFilterText`) or `{field, op, values}`; a parameter may be text.
 */
export type RawRequest = Readonly<Record<string, unknown>>;

const KEYS = [
  'report',
  'from',
  'to',
  'format',
  'zone',
  'grain',
  'columns',
  'where',
  'params',
  'locale',
  'headers',
  'cell_refs',
  'cache',
] as const;

/**
 * Checks a request and fills in the defaults: format csv, the report's own grain and columns, the
 * tenant's locale, labels as headers, cell references as fits, parts allowed. Requests that mean
 * the same give the same; only the order of columns and of filters is kept as it came.
 * @throws DaybookError that names the field, what came, what is expected and, for a misspelt name,
 *   the nearest one: `E_INVALID`, `E_UNKNOWN_REPORT`, `E_DATE`, `E_PERIOD`, `E_UNKNOWN_ZONE`,
 *   `E_UNKNOWN_COLUMN`, `E_FILTER`, `E_PARAM`
 */
export function parseReportRequest(raw: RawRequest, defaults: { locale: Locale }): ReportRequest {
  demandRecord(raw, 'request');
  const unknown = Object.keys(raw).find((key) => !KEYS.some((known) => known === key));
  if (unknown !== undefined) {
    throw invalid(
      'request',
      `the key ${quoted(unknown)}`,
      KEYS.join(', ') + suggestion(unknown, KEYS),
    );
  }
  const kind = reportKind(textOf(raw.report, 'report', 'the name of a report'));
  const from = textOf(raw.from, 'from', 'a date, YYYY-MM-DD');
  const to = textOf(raw.to, 'to', 'a date, YYYY-MM-DD');
  const grain = oneOf(raw.grain, 'grain', kind.grains, kind.defaultGrain);
  const where = parseWhere(kind.dataset, raw.where);
  const zone = raw.zone === undefined ? null : parseZone(textOf(raw.zone, 'zone', 'an IANA name'));
  kind.check?.({ where, zone });
  return {
    report: kind.name,
    period: parsePeriod(from, to),
    format: oneOf(raw.format, 'format', kind.formats, kind.formats[0]),
    zone,
    grain,
    columns: parseColumns(kind, grain, raw.columns),
    where,
    params: parseParams(kind, raw.params),
    locale: oneOf(raw.locale, 'locale', LOCALES, defaults.locale),
    headers: oneOf(raw.headers, 'headers', HEADERS, 'labels'),
    cellRefs: oneOf(raw.cell_refs, 'cell_refs', CELL_REFS, 'auto'),
    cache: parseCache(raw.cache),
  };
}

/**
 * @param field what errors call it
 * @throws DaybookError `E_FILTER`, `E_INVALID`
 */
export function parseWhere(dataset: DatasetName, raw: unknown, field = 'where'): Filter[] {
  if (raw === undefined) return [];
  if (!Array.isArray(raw)) {
    throw invalid(field, quoted(raw), 'a list of filters [{field, op, values}]');
  }
  if (raw.length > MAX_FILTERS) {
    throw invalid(field, `${raw.length} filters`, `at most ${MAX_FILTERS}`);
  }
  const filters = raw.map((item: unknown, index) => {
    const where = `${field}[${index}]`;
    const filter = typeof item === 'string' ? parseFilterText(item, where) : filterOf(item, where);
    return checkFilter(datasetOf(dataset), filter, where);
  });
  const texts = filters.map((filter) => JSON.stringify(filter));
  return filters.filter((_, index) => texts.indexOf(texts[index]) === index);
}

/** @throws DaybookError `E_PARAM`, `E_INVALID` */
export function parseParams(kind: ReportKind, raw: unknown): Readonly<Record<string, ParamValue>> {
  const given = raw === undefined ? {} : demandRecord(raw, 'params');
  const names = kind.params.map(({ name }) => name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new DaybookError('E_PARAM', {
      where: `params.${unknown.slice(0, 64)}`,
      got: quoted(given[unknown]),
      expected:
        names.length === 0
          ? `no parameters: ${kind.name} has none`
          : `one of the parameters of ${kind.name}: ${names.join(', ')}${suggestion(unknown, names)}`,
    });
  }
  return Object.fromEntries(
    kind.params.map(({ name, min, max, default: usual }) => {
      const value = given[name];
      if (value === undefined) return [name, usual];
      const digits = typeof value === 'string' && /^[+-]?\d{1,16}$/.test(value);
      const number = digits ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max) {
        throw new DaybookError('E_PARAM', {
          where: `params.${name}`,
          got: quoted(value),
          expected: `a whole number from ${min} to ${max}`,
        });
      }
      return [name, number + 0];
    }),
  );
}

function parseColumns(kind: ReportKind, grain: Grain, raw: unknown): string[] {
  const columns = columnsAt(kind, grain);
  if (raw === undefined) return columns.filter(({ shown }) => shown).map(({ key }) => key);
  const keys = typeof raw === 'string' ? raw.split(',').map((key) => key.trim()) : raw;
  if (!Array.isArray(keys) || keys.length === 0) {
    throw invalid('columns', quoted(raw), 'a list of at least one column');
  }
  const known = columns.map(({ key }) => key);
  keys.forEach((key: unknown, index) => {
    const where = `columns[${index}]`;
    if (typeof key !== 'string') throw invalid(where, quoted(key), 'the key of a column');
    if (!known.includes(key)) {
      throw new DaybookError('E_UNKNOWN_COLUMN', {
        where,
        report: `${kind.name} at grain ${grain}`,
        got: quoted(key),
        expected: known.join(', ') + suggestion(key, known),
      });
    }
    if (keys.indexOf(key) !== index) throw invalid(where, `${key} again`, 'each column once');
  });
  return [...keys];
}

function filterOf(raw: unknown, where: string): Filter {
  const item = demandRecord(raw, where);
  const unknown = Object.keys(item).find((key) => !['field', 'op', 'values'].includes(key));
  if (unknown !== undefined) {
    throw invalid(where, `the key ${quoted(unknown)}`, 'field, op, values');
  }
  const { field, op, values } = item;
  if (typeof field !== 'string') throw invalid(`${where}.field`, quoted(field), 'a field');
  if (!FILTER_OPS.some((known) => known === op)) {
    throw new DaybookError('E_FILTER', {
      where: `${where}.op`,
      got: quoted(op),
      expected: `one of ${FILTER_OPS.join(' ')}`,
    });
  }
  if (!Array.isArray(values)) throw invalid(`${where}.values`, quoted(values), 'a list of values');
  return {
    field,
    op: op as FilterOp,
    values: values.map((value: unknown, index) => {
      if (typeof value === 'string') return value;
      if (typeof value === 'number' && Number.isFinite(value)) return String(value);
      throw invalid(`${where}.values[${index}]`, quoted(value), 'a text or a number');
    }),
  };
}

function parseCache(raw: unknown): boolean {
  if (raw === undefined) return true;
  if (typeof raw !== 'boolean') throw invalid('cache', quoted(raw), 'true or false');
  return raw;
}
