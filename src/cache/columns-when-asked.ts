import type { ChunkColumn } from '../reports/chunk.ts';

/** Columns of a chunk, each made when it is first asked for, and then kept. */
export class ColumnsWhenAsked implements ReadonlyMap<string, ChunkColumn> {
  readonly #makers: ReadonlyMap<string, () => ChunkColumn>;
  readonly #made = new Map<string, ChunkColumn>();

  constructor(makers: ReadonlyMap<string, () => ChunkColumn>) {
    this.#makers = makers;
  }

  get size(): number {
    return this.#makers.size;
  }

  has(name: string): boolean {
    return this.#makers.has(name);
  }

  get(name: string): ChunkColumn | undefined {
    const made = this.#made.get(name);
    if (made) return made;
    const column = this.#makers.get(name)?.();
    if (column) this.#made.set(name, column);
    return column;
  }

  keys(): MapIterator<string> {
    return this.#makers.keys();
  }

  *entries(): MapIterator<[string, ChunkColumn]> {
    for (const name of this.keys()) yield [name, this.get(name) as ChunkColumn];
  }

  *values(): MapIterator<ChunkColumn> {
    for (const [, column] of this.entries()) yield column;
  }

  [Symbol.iterator](): MapIterator<[string, ChunkColumn]> {
    return this.entries();
  }

  forEach(
    visit: (column: ChunkColumn, name: string, map: ReadonlyMap<string, ChunkColumn>) => void,
  ): void {
    for (const [name, column] of this.entries()) visit(column, name, this);
  }
}
