import { DaybookError } from '../../errors.ts';
import type { Decimal } from '../../money/decimal.ts';

/** One side of a reconciliation: our charges, or the rows of a carrier. Columns, in any order. */
export interface Side {
  readonly rows: number;
  /** Where the row stands in its source, from 1; shown to people, and decides nothing. */
  readonly rowNumbers: Uint32Array;
  /** UTC epoch ms. */
  readonly startedAtMs: Float64Array;
  readonly billedSeconds: Float64Array;
  /** Money: `amounts[i]` ÷ 10^`scale`, exact. */
  readonly amounts: BigInt64Array;
  readonly scale: number;
  /** As `Parties` reads them. */
  readonly callers: Float64Array;
  readonly callees: Float64Array;
  /** Of the text table that both sides share; -1: none. */
  readonly ids: Int32Array;
}

/** What is added to a side. */
export interface SideRow {
  rowNumber: number;
  startedAtMs: number;
  billedSeconds: number;
  amount: Decimal;
  caller: number;
  callee: number;
  id: number;
}

const FIRST_ROWS = 1 << 8;
/** 10^18 still fits into 64 bits. */
const MOST_SCALE = 18;

/**
 * Gathers a side row by row. Amounts are kept at the finest scale that any of them needs, zeros at
 * the end of a fraction not counted.
 */
export class SideBuilder {
  #rowNumbers = new Uint32Array(FIRST_ROWS);
  #startedAtMs = new Float64Array(FIRST_ROWS);
  #billedSeconds = new Float64Array(FIRST_ROWS);
  #amounts = new BigInt64Array(FIRST_ROWS);
  #callers = new Float64Array(FIRST_ROWS);
  #callees = new Float64Array(FIRST_ROWS);
  #ids = new Int32Array(FIRST_ROWS);
  #scale = 0;
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  /** @throws DaybookError `E_INPUT` when an amount does not fit into 64 bits at the common scale */
  add(row: SideRow): void {
    if (this.#rows === this.#ids.length) this.#grow();
    const at = this.#rows;
    this.#amounts[at] = this.#unitsOf(row.amount, row.rowNumber);
    this.#rowNumbers[at] = row.rowNumber;
    this.#startedAtMs[at] = row.startedAtMs;
    this.#billedSeconds[at] = row.billedSeconds;
    this.#callers[at] = row.caller;
    this.#callees[at] = row.callee;
    this.#ids[at] = row.id;
    this.#rows++;
  }

  build(): Side {
    const rows = this.#rows;
    return {
      rows,
      rowNumbers: this.#rowNumbers.subarray(0, rows),
      startedAtMs: this.#startedAtMs.subarray(0, rows),
      billedSeconds: this.#billedSeconds.subarray(0, rows),
      amounts: this.#amounts.subarray(0, rows),
      scale: this.#scale,
      callers: this.#callers.subarray(0, rows),
      callees: this.#callees.subarray(0, rows),
      ids: this.#ids.subarray(0, rows),
    };
  }

  #unitsOf({ unscaled, scale }: Decimal, rowNumber: number): bigint {
    let units = unscaled;
    let digits = scale;
    while (digits > this.#scale && units % 10n === 0n) {
      units /= 10n;
      digits--;
    }
    if (digits > this.#scale) this.#refine(digits, rowNumber);
    return demandFits(units * 10n ** BigInt(this.#scale - digits), rowNumber);
  }

  #refine(scale: number, rowNumber: number): void {
    if (scale > MOST_SCALE) throw tooLong(rowNumber);
    const factor = 10n ** BigInt(scale - this.#scale);
    for (let at = 0; at < this.#rows; at++) {
      this.#amounts[at] = demandFits(this.#amounts[at] * factor, rowNumber);
    }
    this.#scale = scale;
  }

  #grow(): void {
    const length = this.#ids.length * 2;
    const into = <T extends { set(from: T): void }>(larger: T, from: T): T => {
      larger.set(from);
      return larger;
    };
    this.#rowNumbers = into(new Uint32Array(length), this.#rowNumbers);
    this.#startedAtMs = into(new Float64Array(length), this.#startedAtMs);
    this.#billedSeconds = into(new Float64Array(length), this.#billedSeconds);
    this.#amounts = into(new BigInt64Array(length), this.#amounts);
    this.#callers = into(new Float64Array(length), this.#callers);
    this.#callees = into(new Float64Array(length), this.#callees);
    this.#ids = into(new Int32Array(length), this.#ids);
  }
}

/** The same amounts at a finer scale. @throws DaybookError `E_INPUT` where one does not fit */
export function atScale(side: Side, scale: number): Side {
  if (side.scale === scale) return side;
  const factor = 10n ** BigInt(scale - side.scale);
  const amounts = new BigInt64Array(side.rows);
  for (let at = 0; at < side.rows; at++) {
    amounts[at] = demandFits(side.amounts[at] * factor, side.rowNumbers[at]);
  }
  return { ...side, amounts, scale };
}

function demandFits(units: bigint, rowNumber: number): bigint {
  if (BigInt.asIntN(64, units) !== units) throw tooLong(rowNumber);
  return units;
}

function tooLong(rowNumber: number): DaybookError {
  return new DaybookError('E_INPUT', {
    where: `row ${rowNumber}, amount`,
    reason: `the amounts of both sides, at one scale, must have at most ${MOST_SCALE} digits`,
  });
}
