import { extraColumns, inOrderOfNeed, namesakes, requireColumn } from '../mapping/bind-columns.ts';
import type { LoadMap } from '../mapping/load-map.ts';
import { LocalClock } from '../mapping/local-clock.ts';
import { compileLocate, FOUND, type Locate, MISMATCH } from '../mapping/locate-text.ts';
import { compileInstant, type InstantValue, type ReadInstant } from '../mapping/read-instant.ts';
import { type RowRefusal, rejectRecord, shown } from '../mapping/reject.ts';
import type { Row } from '../mapping/row.ts';
import { Span } from '../mapping/span.ts';
import {
  integerOf,
  refuseNone,
  refuseText,
  type ValueRefusal,
  type ValueRule,
  valueRule,
} from '../mapping/value-rule.ts';
import type { RowShape } from '../reports/dataset.ts';
import type { StageColumn } from '../store/loads.ts';
import type { KnownSkus } from './known-skus.ts';

/**
 * Rows in, rows of COPY out: each field is found, read as its type and written, or the row is
 * refused with the first reason. A refused row is staged too: its number, its key where it has one,
 * and a reject.
 */

const NO_SOURCE: Locate = () => 0;

/** What encoded rows are written to: `CopyWriter`, or another that writes the same in order. */
export interface RowWriter {
  /** Set back to where a row began, the row was never written. */
  length: number;
  beginRow(fields: number): void;
  none(): void;
  bigint(value: number): void;
  /** @param instantMs UTC epoch ms */
  instant(instantMs: number): void;
  text(source: Buffer, start: number, end: number): void;
  jsonb(value: unknown): void;
}

/** Why a value is not taken; the field says itself. */
type Refusal = Omit<RowRefusal, 'field'>;

interface FieldPlan {
  readonly rule: ValueRule;
  readonly locate: Locate;
  /** Where the field's instant stands among the row's instants; -1: it is no instant. */
  readonly instant: number;
  /** What the field may be; null: anything of its type. */
  readonly known: KnownSkus | null;
}

/** What a staged row consists of, in the order in which the encoder writes it. */
export function stageColumns(dataset: RowShape): StageColumn[] {
  const types = {
    text: 'text',
    instant: 'timestamptz',
    integer: 'bigint',
    decimal: 'text',
  } as const;
  return [
    { name: 'row_number', type: 'bigint' },
    ...dataset.fields.map((field) => ({ name: field.name, type: types[field.type] })),
    { name: 'extra', type: 'jsonb' },
    { name: 'reject', type: 'jsonb' },
  ];
}

export class RowEncoder {
  readonly #plans: readonly FieldPlan[];
  readonly #instants: readonly InstantValue[];
  readonly #readInstants: readonly { field: string; index: number; read: ReadInstant }[];
  readonly #anchor: InstantValue;
  readonly #columns: readonly string[];
  readonly #fixedCount: number;
  readonly #extra: readonly { readonly name: string; readonly index: number }[];
  readonly #writer: RowWriter;
  readonly #span = new Span();
  readonly #stagedFields: number;

  /** Rows where a wall time was ambiguous; rows that were no UTF-8. */
  ambiguous = 0;
  notUtf8 = 0;
  /** Of the last row that was refused. */
  lastRefusal: RowRefusal | null = null;

  /**
   * @param columns the file's; for NDJSON the names that are looked for in each object
   * @param fixedCount rows must have exactly as many fields as there are columns
   * @throws DaybookError `E_MAP` for a column that the file does not have; `E_INPUT` without a map
   */
  constructor(options: {
    dataset: RowShape;
    map: LoadMap;
    columns: readonly string[];
    fixedCount: boolean;
    writer: RowWriter;
    /** Null, or left out: any sku is taken. */
    knownSkus?: KnownSkus | null;
  }) {
    const { dataset, map, columns } = options;
    this.#columns = columns;
    this.#fixedCount = options.fixedCount ? columns.length : -1;
    this.#writer = options.writer;
    this.#stagedFields = dataset.fields.length + 3;
    const sources = map.fields ?? namesakes(dataset, columns);
    const indexOf = (column: string, where: string) => requireColumn(columns, column, where);
    const clock = map.zone === null ? null : new LocalClock(map.zone);
    const instantFields = dataset.fields.filter((field) => field.type === 'instant');
    const indexOfField = (name: string) => instantFields.findIndex((field) => field.name === name);

    this.#instants = instantFields.map(() => ({
      instant: Number.NaN,
      wallMs: Number.NaN,
      ambiguous: false,
    }));
    this.#anchor = this.#instants[indexOfField(dataset.anchor)];
    this.#readInstants = inOrderOfNeed(sources)
      .filter(([name]) => indexOfField(name) >= 0)
      .map(([field, source]) => ({
        field,
        index: indexOfField(field),
        read: compileInstant(source, indexOf, clock, indexOfField),
      }));
    this.#plans = dataset.fields.map((field) => {
      const source = sources.get(field.name);
      const instant = indexOfField(field.name);
      return {
        rule: valueRule(field, dataset),
        instant,
        locate: source && instant < 0 ? compileLocate(source, indexOf) : NO_SOURCE,
        known: field.name === 'sku' ? (options.knownSkus ?? null) : null,
      };
    });
    this.#extra = extraColumns(map, dataset, columns);
  }

  /** UTC epoch ms of the last row's anchor; only after it was taken. */
  get anchorMs(): number {
    return this.#anchor.instant;
  }

  /** Writes a row; false: it was refused. */
  encode(row: Row): boolean {
    const writer = this.#writer;
    const start = writer.length;
    writer.beginRow(this.#stagedFields);
    writer.bigint(row.number);
    const refusal = this.#encodeFields(row);
    if (refusal === null) return true;
    this.lastRefusal = refusal;
    writer.length = start;
    writer.beginRow(this.#stagedFields);
    const isNamed = this.#namesItself(row);
    writer.length = start;
    writer.beginRow(this.#stagedFields);
    writer.bigint(row.number);
    for (const plan of this.#plans) {
      if (isNamed && plan.rule.isKey) this.#encodeText(row, plan);
      else writer.none();
    }
    writer.none();
    const withLine = refusal.code === 'row_shape' || this.#fixedCount < 0;
    writer.jsonb(rejectRecord(row, this.#columns, refusal, withLine));
    return false;
  }

  /** Whether a row that is refused says which one it is. */
  #namesItself(row: Row): boolean {
    if (row.problem !== null) return false;
    if (this.#fixedCount >= 0 && row.count !== this.#fixedCount) return false;
    const writer = this.#writer;
    const start = writer.length;
    const isNamed = this.#plans.every(
      (plan) => !plan.rule.isKey || (plan.instant < 0 && this.#encodeText(row, plan) === null),
    );
    writer.length = start;
    return isNamed;
  }

  #encodeFields(row: Row): RowRefusal | null {
    if (row.problem !== null) return { field: null, ...row.problem };
    if (this.#fixedCount >= 0 && row.count !== this.#fixedCount) {
      const reason = `the row has ${row.count} fields; expected ${this.#fixedCount}`;
      return { field: null, code: 'row_shape', reason };
    }
    const writer = this.#writer;
    let flags: string[] | null = null;
    for (const { field, index, read } of this.#readInstants) {
      const value = this.#instants[index];
      const refusal = read(row, value, this.#instants);
      if (refusal) return { field, ...refusal };
      if (value.ambiguous) {
        flags ??= [];
        flags.push(`ambiguous:${field}`);
      }
    }
    for (const plan of this.#plans) {
      const refusal = plan.instant < 0 ? this.#encodeText(row, plan) : this.#encodeInstant(plan);
      if (refusal) return { field: plan.rule.field.name, ...refusal };
    }
    if (flags) this.ambiguous++;
    if (row.notUtf8) {
      this.notUtf8++;
      flags ??= [];
      flags.push('read_as:windows-1252');
    }
    const extra = this.#extraOf(row, flags);
    if (extra === null) writer.none();
    else writer.jsonb(extra);
    writer.none();
    return null;
  }

  #encodeInstant({ rule, instant }: FieldPlan): ValueRefusal | null {
    const value = this.#instants[instant].instant;
    if (Number.isNaN(value)) return this.#encodeNone(rule);
    this.#writer.instant(value);
    return null;
  }

  #encodeNone(rule: ValueRule): ValueRefusal | null {
    const refusal = refuseNone(rule);
    if (refusal === null) this.#writer.none();
    return refusal;
  }

  #encodeText(row: Row, { rule, locate, known }: FieldPlan): Refusal | null {
    const span = this.#span;
    const located = locate(row, span);
    if (located === MISMATCH) {
      return { code: 'match', reason: `no rule of match fits ${shown(span.text())}` };
    }
    if (located !== FOUND || span.start === span.end) return this.#encodeNone(rule);
    if (rule.field.type === 'integer') {
      const { value, refusal } = integerOf(rule, span);
      if (refusal !== null) return refusal;
      if (Number.isNaN(value)) this.#writer.none();
      else this.#writer.bigint(value);
      return null;
    }
    const refusal = refuseText(rule, span, row.mayHoldNul);
    if (refusal !== null) return refusal;
    // Trimmed, it may be nothing.
    if (span.start === span.end) this.#writer.none();
    else if (known !== null && !known.has(span.text())) return unknown(span, known);
    else this.#writer.text(span.bytes, span.start, span.end);
    return null;
  }

  #extraOf(row: Row, flags: string[] | null): Record<string, unknown> | null {
    if (flags === null && this.#extra.length === 0 && row.rest === null) return null;
    const extra: Record<string, unknown> = {};
    for (const { name, index } of this.#extra) {
      if (row.ends[index] > row.starts[index]) extra[name] = keepable(row.text(index));
    }
    if (row.rest) for (const [name, text] of Object.entries(row.rest)) extra[name] = keepable(text);
    if (flags) extra['_flags'] = flags;
    return Object.keys(extra).length === 0 ? null : extra;
  }
}

/** jsonb holds neither NUL nor half a surrogate pair. */
function keepable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}

function unknown(span: Span, known: KnownSkus): Refusal {
  const suggestion = known.suggest(span.text());
  const meant = suggestion === null ? '' : `; did you mean ${shown(suggestion)}?`;
  const reason = `got ${shown(span.text())}, which is no product${meant}`;
  return { code: 'unknown_sku', reason, suggestion };
}
