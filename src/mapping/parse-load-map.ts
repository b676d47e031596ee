import { datasetOf, type RowShape } from '../reports/dataset.ts';
import { CALL_LEGS } from './call-legs.ts';
import type { FieldSource, LoadMap } from './load-map.ts';
import { booleanAt, delimiterAt, fail, namesAt, objectAt, textAt, zoneAt } from './map-values.ts';
import { parseFieldSource } from './parse-field-source.ts';
import { expandPreset } from './presets.ts';

const MAP_KEYS = [
  ...['preset', 'zone', 'delimiter', 'quote', 'header', 'extra', 'sheet', 'legs', 'fields'],
];

/**
 * Checks a map against the dataset that it fills, before any row is read.
 * @throws DaybookError `E_MAP` that names where, what came, what is expected
 */
export function parseLoadMap(raw: unknown, dataset: RowShape): LoadMap {
  const map = expandPreset(objectAt('(the whole)', raw, MAP_KEYS));
  const legs = booleanAt('legs', map['legs'] ?? false);
  if (legs && dataset !== datasetOf('calls')) fail('legs', true, 'it only for calls');
  if (legs && map['fields'] === undefined) fail('fields', undefined, 'the fields of legs');
  const zone = map['zone'] === undefined ? null : zoneAt(map['zone']);
  const extra = map['extra'] ?? false;
  return {
    zone,
    delimiter: map['delimiter'] === undefined ? null : delimiterAt(map['delimiter']),
    quote: booleanAt('quote', map['quote'] ?? true),
    header: map['header'] === undefined ? null : namesAt('header', map['header']),
    extra: extra === true ? 'all' : extra === false ? [] : namesAt('extra', extra),
    sheet: map['sheet'] === undefined ? null : textAt('sheet', map['sheet']),
    legs,
    fields:
      map['fields'] === undefined
        ? null
        : fieldsAt(map['fields'], legs ? CALL_LEGS : dataset, zone),
  };
}

function fieldsAt(raw: unknown, dataset: RowShape, zone: string | null) {
  const known = dataset.fields.map((field) => field.name);
  const given = objectAt('fields', raw, known);
  const fields = new Map<string, FieldSource>();
  for (const field of dataset.fields) {
    if (given[field.name] === undefined) {
      if (field.required) fail(`fields.${field.name}`, undefined, `a source: it is required`);
      continue;
    }
    fields.set(
      field.name,
      parseFieldSource(`fields.${field.name}`, given[field.name], field, zone),
    );
  }
  for (const [name, source] of fields) checkAfter(name, source, fields, dataset);
  return fields;
}

function checkAfter(
  name: string,
  source: FieldSource,
  fields: ReadonlyMap<string, FieldSource>,
  dataset: RowShape,
): void {
  const instants = dataset.fields.filter((field) => field.type === 'instant').map((f) => f.name);
  const follow = (at: FieldSource, seen: readonly string[]): void => {
    const each = at.text.kind === 'latest' ? at.text.of : [at];
    for (const { after, where } of each) {
      if (after === null) continue;
      const target = fields.get(after);
      if (!instants.includes(after) || !target) {
        const others = instants.filter((other) => other !== name && fields.has(other));
        fail(`${where}.after`, after, `another instant of this map: ${others.join(', ')}`);
      } else if (seen.includes(after)) {
        fail(`${where}.after`, [...seen, after].join(' → '), 'no circle');
      } else {
        follow(target, [...seen, after]);
      }
    }
  };
  follow(source, [name]);
}
