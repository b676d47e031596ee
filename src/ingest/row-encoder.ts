import { extraColumns, inOrderOfNeed, namesakes, requireColumn } from '../mapping/bind-columns.ts';
import type { LoadMap } from '../mapping/load-map.ts';
import { LocalClock } from '../mapping/local-clock.ts';
import { compileLocate, FOUND, isOneOf, type Locate, MISMATCH } from '../mapping/locate-text.ts';
import { isDecimal, readInteger } from '../mapping/number-text.ts';
import { compileInstant, type InstantValue, type ReadInstant } from '../mapping/read-instant.ts';
import { type RejectCode, type RowRefusal, rejectRecord, shown } from '../mapping/reject.ts';
import type { Row } from '../mapping/row.ts';
import { Span } from '../mapping/span.ts';
import type { Field, RowShape } from '../reports/dataset.ts';
import type { StageColumn } from '../store/loads.ts';
import type { KnownSkus } from './known-skus.ts';

/**
 * Rows in, rows of COPY out: each field is found, read as its type and written, or the row is
 * refused with the first reason. A refused row is staged too: its number, its key where it has one,
 * and a reject.
 */

/** B-tree keys must stay far below a third of a page. */
const LONGEST_KEY_BYTES = 1024;
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

interface FieldPlan {
  readonly field: Field;
  readonly locate: Locate;
  /** Where the field's instant stands among the row's instants; -1: it is no instant. */
  readonly instant: number;
  readonly choices: readonly Buffer[] | null;
  readonly isKey: boolean;
  readonly least: number;
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
        field,
        instant,
        locate: source && instant < 0 ? compileLocate(source, indexOf) : NO_SOURCE,
        choices: field.values?.map((value) => Buffer.from(value)) ?? null,
        isKey: dataset.naturalKey.includes(field.name),
        known: field.name === 'sku' ? (options.knownSkus ?? null) : null,
        least: field.name.endsWith('_seconds') ? 0 : -Number.MAX_SAFE_INTEGER,
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
      if (isNamed && plan.isKey) this.#encodeText(row, plan);
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
      (plan) => !plan.isKey || (plan.instant < 0 && this.#encodeText(row, plan) === null),
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
      if (refusal) return refusal;
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

  #encodeInstant({ field, instant }: FieldPlan) {
    const value = this.#instants[instant].instant;
    if (!Number.isNaN(value)) this.#writer.instant(value);
    else if (field.required) return missing(field);
    else this.#writer.none();
    return null;
  }

  #encodeText(row: Row, plan: FieldPlan): RowRefusal | null {
    const { field } = plan;
    const span = this.#span;
    const writer = this.#writer;
    const located = plan.locate(row, span);
    if (located === MISMATCH) {
      const reason = `no rule of match fits ${shown(span.text())}`;
      return { field: field.name, code: 'match' as const, reason };
    }
    if (located === FOUND && field.type !== 'text') span.trim();
    if (located !== FOUND || span.start === span.end) {
      if (field.required) return missing(field);
      writer.none();
      return null;
    }
    if (field.type === 'integer') {
      const value = readInteger(span);
      if (!(value >= plan.least)) {
        const kind = plan.least === 0 ? 'a whole number of at least 0' : 'a whole number';
        return refused(field, 'number', span, kind);
      }
      writer.bigint(value);
      return null;
    }
    if (field.type === 'decimal') {
      if (!isDecimal(span)) return refused(field, 'number', span, 'a decimal such as -12.50');
    } else if (plan.choices) {
      span.trim();
      if (!isOneOf(span.bytes, span.start, span.end, plan.choices)) {
        return refused(field, 'choice', span, `one of ${field.values?.join(', ')}`);
      }
    } else if (plan.isKey && span.end - span.start > LONGEST_KEY_BYTES) {
      return refused(field, 'text', span, `at most ${LONGEST_KEY_BYTES} bytes`);
    } else if (row.mayHoldNul && span.bytes.subarray(span.start, span.end).includes(0)) {
      return refused(field, 'text', span, 'text without a NUL byte');
    } else if (plan.known !== null && !plan.known.has(span.text())) {
      return unknown(field, span, plan.known);
    }
    writer.text(span.bytes, span.start, span.end);
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

function missing(field: Field) {
  const what = field.type === 'text' ? 'a text' : `an ${field.type}`.replace('an d', 'a d');
  return {
    field: field.name,
    code: 'missing' as const,
    reason: `there is no value; expected ${what}`,
  };
}

function refused(field: Field, code: RejectCode, span: Span, expected: string) {
  return { field: field.name, code, reason: `got ${shown(span.text())}; expected ${expected}` };
}

function unknown(field: Field, span: Span, known: KnownSkus): RowRefusal {
  const suggestion = known.suggest(span.text());
  const meant = suggestion === null ? '' : `; did you mean ${shown(suggestion)}?`;
  const reason = `got ${shown(span.text())}, which is no product${meant}`;
  return { field: field.name, code: 'unknown_sku', reason, suggestion };
}
