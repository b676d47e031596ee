import { createHash } from 'node:crypto';
import { type CellValue, type Chunk, cellAt, columnOf, type Selection } from './chunk.ts';
import type { Dataset } from './dataset.ts';

/** What became of a row, by its natural key. */
export type RowChange = 'added' | 'changed_from' | 'changed_to' | 'removed';

export interface ChangedRow {
  readonly change: RowChange;
  /** In the order of the dataset's fields. */
  readonly cells: readonly CellValue[];
}

/**
 * Compares the rows of some days as they were with those as they are. Give it all old rows, then all
 * new ones, then the old ones once more for what they looked like; each key is counted once. It holds
 * a hash for each old row, and the listed rows.
 */
export class RowComparison {
  readonly #dataset: Dataset;
  readonly #mostListed: number;
  /** Of the old rows that no new one was met for yet. */
  readonly #old = new Map<string, string>();
  readonly #changed = new Map<string, readonly CellValue[]>();
  readonly #listed: ChangedRow[] = [];
  #added = 0;
  #changedCount = 0;

  constructor(dataset: Dataset, mostListed: number) {
    this.#dataset = dataset;
    this.#mostListed = mostListed;
  }

  addOld(chunk: Chunk, selection: Selection): void {
    eachRow(chunk, selection, (row) =>
      this.#old.set(this.#keyOf(chunk, row), this.#hash(chunk, row)),
    );
  }

  addNew(chunk: Chunk, selection: Selection): void {
    eachRow(chunk, selection, (row) => {
      const key = this.#keyOf(chunk, row);
      const before = this.#old.get(key);
      this.#old.delete(key);
      if (before === undefined) {
        this.#added += 1;
        this.#list('added', this.#cellsOf(chunk, row));
      } else if (before !== this.#hash(chunk, row)) {
        this.#changedCount += 1;
        if (this.#changed.size < this.#mostListed) {
          this.#changed.set(key, this.#cellsOf(chunk, row));
        }
      }
    });
  }

  /** After all new rows. */
  addOldAgain(chunk: Chunk, selection: Selection): void {
    eachRow(chunk, selection, (row) => {
      const key = this.#keyOf(chunk, row);
      const after = this.#changed.get(key);
      if (after) {
        this.#list('changed_from', this.#cellsOf(chunk, row));
        this.#list('changed_to', after);
      } else if (this.#old.has(key)) {
        this.#list('removed', this.#cellsOf(chunk, row));
      }
    });
  }

  get counts(): { readonly added: number; readonly changed: number; readonly removed: number } {
    return { added: this.#added, changed: this.#changedCount, removed: this.#old.size };
  }

  /** The first of them; a row that changed comes twice, as it was and as it is. */
  get listed(): readonly ChangedRow[] {
    return this.#listed;
  }

  #list(change: RowChange, cells: readonly CellValue[]): void {
    if (this.#listed.length < this.#mostListed) this.#listed.push({ change, cells });
  }

  #keyOf(chunk: Chunk, row: number): string {
    return JSON.stringify(
      this.#dataset.naturalKey.map((name) => cellAt(columnOf(chunk, name), row)),
    );
  }

  #cellsOf(chunk: Chunk, row: number): CellValue[] {
    return this.#dataset.fields.map(({ name }) => cellAt(columnOf(chunk, name), row));
  }

  #hash(chunk: Chunk, row: number): string {
    return createHash('sha256')
      .update(JSON.stringify(this.#cellsOf(chunk, row)))
      .digest('base64');
  }
}

function eachRow(chunk: Chunk, selection: Selection, visit: (row: number) => void): void {
  if (selection) for (const row of selection) visit(row);
  else for (let row = 0; row < chunk.rows; row++) visit(row);
}
