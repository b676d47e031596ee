import type { ChunkColumn } from '../reports/chunk.ts';
import type { Field, RowShape } from '../reports/dataset.ts';
import { inOrderOfNeed, namesakes, requireColumn } from './bind-columns.ts';
import { GrowingBytes, GrowingNumbers } from './growing-column.ts';
import type { LoadMap } from './load-map.ts';
import { LocalClock } from './local-clock.ts';
import { compileLocate, FOUND, type Locate, MISMATCH, NONE } from './locate-text.ts';
import { compileInstant, type InstantValue, type ReadInstant } from './read-instant.ts';
import { shown } from './reject.ts';
import type { Row } from './row.ts';
import { Span } from './span.ts';
import {
  integerOf,
  refuseInstant,
  refuseNone,
  refuseText,
  type ValueRefusal,
  type ValueRule,
  valueRule,
} from './value-rule.ts';

/** Why a row was not taken. */
export interface RowRefusal extends ValueRefusal {
  readonly field: string;
}

interface MappedField {
  readonly rule: ValueRule;
  readonly locate: Locate;
  /** Of an instant; null: it is none. */
  readonly instant: InstantValue | null;
  readonly bytes: GrowingBytes;
  readonly numbers: GrowingNumbers;
}

const NO_SOURCE: Locate = () => NONE;

/** Rows of texts in, columns of a chunk out, by a map: for what no quicker way can read. */
export class MappedColumns {
  readonly #fields: readonly MappedField[];
  readonly #instants: readonly InstantValue[];
  readonly #readInstants: readonly {
    readonly field: string;
    readonly value: InstantValue;
    readonly read: ReadInstant;
  }[];
  readonly #span = new Span();

  /**
   * @param fields those that are wanted, of the shape; one that is `after` another needs that too
   * @param columns of the rows, in their order
   * @throws DaybookError `E_MAP` for a column that rows do not have; `E_INPUT` without a map
   */
  constructor(options: {
    readonly shape: RowShape;
    readonly fields: readonly Field[];
    readonly map: LoadMap;
    readonly columns: readonly string[];
    readonly mostRows: number;
  }) {
    const { shape, fields, map, columns, mostRows } = options;
    const sources = map.fields ?? namesakes(shape, columns);
    const indexOf = (column: string, where: string) => requireColumn(columns, column, where);
    const clock = map.zone === null ? null : new LocalClock(map.zone);
    const instantFields = fields.filter((field) => field.type === 'instant');
    const indexOfInstant = (name: string) => instantFields.findIndex((each) => each.name === name);
    this.#instants = instantFields.map(() => ({
      instant: Number.NaN,
      wallMs: Number.NaN,
      ambiguous: false,
    }));
    this.#readInstants = inOrderOfNeed(sources)
      .filter(([name]) => indexOfInstant(name) >= 0)
      .map(([field, source]) => ({
        field,
        value: this.#instants[indexOfInstant(field)],
        read: compileInstant(source, indexOf, clock, indexOfInstant),
      }));
    this.#fields = fields.map((field) => {
      const source = sources.get(field.name);
      const isInstant = field.type === 'instant';
      return {
        rule: valueRule(field, shape),
        locate: source && !isInstant ? compileLocate(source, indexOf) : NO_SOURCE,
        instant: isInstant ? this.#instants[indexOfInstant(field.name)] : null,
        bytes: new GrowingBytes(field.type === 'decimal' ? 'decimal' : 'text', mostRows),
        numbers: new GrowingNumbers(isInstant ? 'instant' : 'integer', mostRows),
      };
    });
  }

  /** Null: the row was taken. After a refusal nothing of these columns is of use. */
  add(row: Row): RowRefusal | null {
    for (const { field, value, read } of this.#readInstants) {
      const refusal = read(row, value, this.#instants);
      if (refusal) return { field, ...refusal };
    }
    for (const each of this.#fields) {
      const refusal = each.instant
        ? this.#addInstant(each, each.instant)
        : this.#addText(row, each);
      if (refusal) return { field: each.rule.field.name, ...refusal };
    }
    return null;
  }

  /** The columns by field, and begins anew. */
  take(): Map<string, ChunkColumn> {
    return new Map(
      this.#fields.map(({ rule: { field }, bytes, numbers }): [string, ChunkColumn] => [
        field.name,
        field.type === 'text' || field.type === 'decimal' ? bytes.take() : numbers.take(),
      ]),
    );
  }

  #addInstant({ rule, numbers }: MappedField, { instant }: InstantValue): ValueRefusal | null {
    numbers.add(instant);
    return refuseInstant(rule, instant);
  }

  #addText(row: Row, { rule, locate, bytes, numbers }: MappedField): ValueRefusal | null {
    const span = this.#span;
    const located = locate(row, span);
    if (located === MISMATCH) {
      return { code: 'match', reason: `no rule of match fits ${shown(span.text())}` };
    }
    const isNumber = rule.field.type === 'integer';
    if (located !== FOUND || span.start === span.end) {
      if (isNumber) numbers.add(Number.NaN);
      else bytes.add(span.bytes, 0, 0);
      return refuseNone(rule);
    }
    if (isNumber) {
      const { value, refusal } = integerOf(rule, span);
      numbers.add(value);
      return refusal;
    }
    const refusal = refuseText(rule, span, row.mayHoldNul);
    bytes.add(span.bytes, span.start, span.end);
    return refusal;
  }
}
