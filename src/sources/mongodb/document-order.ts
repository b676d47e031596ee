import type { DocumentRows, TieValue } from './document-rows.ts';

/**
 * Documents that come by their anchor, put into canonical order: those of one instant are held until
 * all of them have come, since a server knows neither our keys nor their order.
 */
export class DocumentOrder {
  readonly #rows: DocumentRows;
  #run: Buffer[] = [];
  /** The run came in canonical order. */
  #inOrder = true;
  #instant = Number.NaN;

  constructor(rows: DocumentRows) {
    this.#rows = rows;
  }

  /** UTC epoch ms of those that are held; NaN: none has come. */
  get instant(): number {
    return this.#instant;
  }

  /** @throws DaybookError `E_SOURCE_ROW` */
  add(document: Buffer): void {
    const rows = this.#rows;
    const anchor = rows.look(document);
    if (anchor !== this.#instant) {
      this.settle();
      this.#instant = anchor;
    } else if (this.#run.length > 0) {
      this.#inOrder &&= rows.isBehind();
    }
    this.#run.push(document);
    rows.advance();
  }

  /** No more will come of the instant: they become rows. @throws DaybookError `E_SOURCE_ROW` */
  settle(): void {
    const run = this.#run;
    if (run.length === 1) this.#rows.addWalked();
    else {
      const ordered = this.#inOrder ? run : inOrder(run, this.#rows);
      for (const document of ordered) this.#rows.add(document);
    }
    this.#run = [];
    this.#inOrder = true;
  }

  /** All of the instant come once more, after a cursor was lost. */
  forget(): void {
    this.#run = [];
    this.#inOrder = true;
  }
}

function inOrder(documents: readonly Buffer[], rows: DocumentRows): readonly Buffer[] {
  return documents
    .map((document) => ({ document, ties: rows.tiesOf(document) }))
    .sort((a, b) => compareTies(a.ties, b.ties))
    .map(({ document }) => document);
}

function compareTies(a: readonly TieValue[], b: readonly TieValue[]): number {
  for (let index = 0; index < a.length; index++) {
    const [left, right] = [a[index], b[index]];
    const order =
      typeof left === 'number' || typeof right === 'number'
        ? Number(left) - Number(right)
        : Buffer.compare(left, right);
    if (order !== 0) return order;
  }
  return 0;
}
