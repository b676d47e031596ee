import { Row } from '../../mapping/row.ts';
import { BSON, type BsonWalk, isPlainText } from './bson-walk.ts';
import { scalarText } from './scalar-text.ts';

/**
 * A walked document as a row of texts, for a map that reads some of its paths. Where all of these are
 * texts already, the row is spans of the document; else their texts are made.
 */
export class WalkedRow {
  readonly #read: readonly number[];
  readonly #texts: (string | null)[];
  readonly #dates: Uint8Array;
  readonly #made = new Row();
  readonly #spans = new Row();

  /**
   * @param paths of the walk
   * @param read those that the map reads; the others look as if there were no value
   */
  constructor(paths: readonly string[], read: ReadonlySet<string>) {
    this.#read = [...paths.keys()].filter((index) => read.has(paths[index]));
    this.#texts = paths.map(() => null);
    this.#dates = new Uint8Array(paths.length);
    this.#made.dateCells = this.#dates;
    this.#spans.room(paths.length);
    this.#spans.ends.fill(-1);
    this.#spans.count = paths.length;
  }

  /** Valid until the next one, or until the walk goes on. */
  of(walk: BsonWalk): Row {
    const { starts, ends } = this.#spans;
    for (const index of this.#read) {
      const type = walk.types[index];
      if (type === 0 || type === BSON.null || type === BSON.undefined) {
        ends[index] = -1;
        continue;
      }
      const [start, end] = [walk.starts[index], walk.ends[index]];
      if (type !== BSON.string || !isPlainText(walk.bytes, start, end)) return this.#make(walk);
      starts[index] = start;
      ends[index] = end;
    }
    this.#spans.bytes = walk.bytes;
    return this.#spans;
  }

  #make(walk: BsonWalk): Row {
    for (const index of this.#read) {
      this.#texts[index] = scalarText(walk, index);
      this.#dates[index] = walk.types[index] === BSON.date ? 1 : 0;
    }
    this.#made.setTexts(this.#texts);
    return this.#made;
  }
}
