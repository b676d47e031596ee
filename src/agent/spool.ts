import { EventEmitter, once } from 'node:events';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DaybookError, toFileError } from '../errors.ts';
import { writeDurably } from './durable-file.ts';
import { decodeItem, encodeItem, type Item, type ItemKind } from './item.ts';
import { advance, NO_PLACE, type Place, type PlaceStep } from './place.ts';

/**
 * What one source has read and Daybook has not yet accepted, on disk and in order, and beside it how
 * far both are.
 *
 * A batch file bears the step that it moves the place by, so that no two files must change together:
 * a batch is there or not. The state moves when a batch is accepted; what it has passed is removed,
 * at once or at the next start. The bytes of a batch never change, so every attempt sends the same.
 */

export interface Spooled {
  readonly sequence: number;
  readonly item: Item;
}

/** Kept in `state.json`. */
export interface State {
  readonly version: 1;
  /** Of the source as configured: a state is never taken for another source's. */
  readonly source: string;
  /** The last batch that was accepted, and how many parts of the next one were. */
  readonly sequence: number;
  readonly parts: number;
  readonly place: Place;
  /** The name that Daybook gave the snapshot that is under way. */
  readonly snapshot: string | null;
  /** A snapshot that Daybook keeps and does not apply; left out in states of old. */
  readonly heldBack?: HeldBack | null;
  readonly accepted: { readonly rows: number; readonly batches: number };
}

export interface HeldBack {
  readonly snapshot: string;
  /** As Daybook said it. */
  readonly reason: string;
}

interface Waiting {
  readonly sequence: number;
  readonly bytes: number;
  readonly step: PlaceStep;
  readonly kind: ItemKind;
}

const NAME = /^(\d{12})\.batch$/;

export class Spool {
  readonly #folder: string;
  readonly #mostBytes: number;
  #state: State;
  readonly #waiting: Waiting[];
  #bytes: number;
  /** Of everything on disk, sent or not. */
  #readPlace: Place;
  /** Batches from here on are not whole yet, and not sent; null: all are. */
  #heldFrom: number | null = null;
  /** Since the start. */
  #droppedMirrors = 0;
  readonly #events = new EventEmitter();

  private constructor(folder: string, mostBytes: number, state: State, waiting: Waiting[]) {
    this.#folder = folder;
    this.#mostBytes = mostBytes;
    this.#state = state;
    this.#waiting = waiting;
    this.#bytes = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#readPlace = waiting.reduce((place, { step }) => advance(place, step), state.place);
  }

  /**
   * Opens the folder of a source, as the last process left it.
   * @param source what the source is; another than the state's is refused
   * @throws DaybookError `E_CONFIG`, `E_IO`
   */
  static async open(folder: string, source: string, mostBytes: number): Promise<Spool> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const state = await readState(folder, source);
      const waiting: Waiting[] = [];
      for (const name of (await readdir(folder)).sort()) {
        if (name.endsWith('.new')) await rm(join(folder, name), { force: true });
        const sequence = Number(NAME.exec(name)?.[1] ?? Number.NaN);
        if (Number.isNaN(sequence)) continue;
        if (sequence <= state.sequence) {
          await rm(join(folder, name), { force: true });
          continue;
        }
        const bytes = await readFile(join(folder, name));
        const { kind, step } = decodeItem(bytes, name);
        waiting.push({ sequence, bytes: bytes.length, step, kind });
      }
      const spool = new Spool(folder, mostBytes, state, waiting);
      const begun = waiting.findLastIndex(({ kind }) => kind === 'mirror_begin');
      const isWhole = waiting.slice(begun).some(({ kind }) => kind === 'mirror_commit');
      if (begun >= 0 && !isWhole) await spool.#removeFrom(begun);
      return spool;
    } catch (error) {
      throw toFileError(error, folder);
    }
  }

  get state(): State {
    return this.#state;
  }
  /** Where reading goes on. */
  get readPlace(): Place {
    return this.#readPlace;
  }
  get waiting(): number {
    return this.#waiting.length;
  }
  get bytes(): number {
    return this.#bytes;
  }
  get heldBack(): HeldBack | null {
    return this.#state.heldBack ?? null;
  }
  /** How many snapshots were dropped since the start, to be read anew. */
  get droppedMirrors(): number {
    return this.#droppedMirrors;
  }
  get last(): ItemKind | null {
    return this.#waiting.at(-1)?.kind ?? null;
  }
  /** Something is there for the sender. */
  get isReady(): boolean {
    const [first] = this.#waiting;
    return first !== undefined && (this.#heldFrom === null || first.sequence < this.#heldFrom);
  }
  get isFull(): boolean {
    return this.#bytes >= this.#mostBytes;
  }

  /** Waits until something is added, accepted or dropped. @throws the signal's reason */
  async change(signal: AbortSignal): Promise<void> {
    try {
      await once(this.#events, 'change', { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Batches from now on are sent only when {@link release} says that they are whole. */
  hold(): void {
    this.#heldFrom = this.#nextSequence;
  }

  release(): void {
    this.#heldFrom = null;
    this.#wake();
  }

  /** Takes back what was added since {@link hold}. */
  async takeBack(): Promise<void> {
    const from = this.#waiting.findIndex(({ sequence }) => sequence === this.#heldFrom);
    if (from >= 0) await this.#removeFrom(from);
    this.release();
  }

  /** Drops the snapshot under way, which Daybook no longer knows: it is read anew. */
  async dropMirror(): Promise<void> {
    const commit = this.#waiting.findIndex(({ kind }) => kind === 'mirror_commit');
    const last = this.#waiting[Math.max(commit, 0)];
    const dropped = this.#waiting.splice(0, Math.max(commit, 0) + 1);
    await this.#save({ ...this.#state, sequence: last.sequence, parts: 0, snapshot: null });
    this.#droppedMirrors++;
    await this.#forget(dropped);
  }

  /** The oldest batch is a commit that Daybook does not do: the snapshot is kept there, and counts as sent. */
  async holdBack({ item }: Spooled, reason: string): Promise<void> {
    const { snapshot } = this.#state;
    const heldBack = snapshot === null ? null : { snapshot, reason };
    await this.#pass(item, { ...this.#state, heldBack, snapshot: null });
  }

  /**
   * What was held back has ended there, or makes way for a newer one.
   * @param again nobody decided, so that the same rows are sent once more
   */
  async forgetHeldBack({ again }: { readonly again: boolean }): Promise<void> {
    const place = again ? { ...this.#state.place, snapshot: null } : this.#state.place;
    await this.#save({ ...this.#state, place, heldBack: null });
    if (again) this.#readPlace = { ...this.#readPlace, snapshot: null };
  }

  /** Writes a batch down. It is kept when this returns. @throws DaybookError `E_NO_SPACE`, `E_IO` */
  async add(item: Item): Promise<void> {
    const sequence = this.#nextSequence;
    const pieces = encodeItem(item);
    await writeDurably(this.#path(sequence), pieces);
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#waiting.push({ sequence, bytes, step: item.step, kind: item.kind });
    this.#bytes += bytes;
    this.#readPlace = advance(this.#readPlace, item.step);
    this.#wake();
  }

  /** The oldest batch; null: none is ready. */
  async first(): Promise<Spooled | null> {
    const [first] = this.#waiting;
    if (!this.isReady) return null;
    const path = this.#path(first.sequence);
    const bytes = await readFile(path).catch((error) => {
      throw toFileError(error, path);
    });
    return { sequence: first.sequence, item: decodeItem(bytes, path) };
  }

  /** The oldest batch's next part was accepted. */
  async acceptPart({ item }: Spooled, snapshot: string | null): Promise<void> {
    const parts = this.#state.parts + 1;
    const accepted = {
      rows: this.#state.accepted.rows + (item.parts[parts - 1]?.rows ?? 0),
      batches: this.#state.accepted.batches + 1,
    };
    const state = { ...this.#state, parts, snapshot, accepted };
    if (parts >= item.parts.length) await this.#pass(item, state);
    else await this.#save(state);
  }

  /** The oldest batch needs no sending. */
  async skip({ item }: Spooled): Promise<void> {
    await this.#pass(item, this.#state);
  }

  /** Puts other bytes of the same rows in the place of the oldest batch, none of it accepted yet. */
  async replace({ sequence }: Spooled, item: Item): Promise<void> {
    const pieces = encodeItem(item);
    await writeDurably(this.#path(sequence), pieces);
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#bytes += bytes - this.#waiting[0].bytes;
    this.#waiting[0] = { ...this.#waiting[0], bytes };
  }

  async #pass(item: Item, state: State): Promise<void> {
    const [first] = this.#waiting;
    await this.#save({
      ...state,
      sequence: first.sequence,
      parts: 0,
      place: advance(this.#state.place, item.step),
    });
    // The reader may have added some meanwhile.
    this.#waiting.shift();
    this.#bytes -= first.bytes;
    await rm(this.#path(first.sequence), { force: true });
    this.#wake();
  }

  async #save(state: State): Promise<void> {
    await writeDurably(join(this.#folder, 'state.json'), [Buffer.from(JSON.stringify(state))]);
    this.#state = state;
  }

  #wake(): void {
    this.#events.emit('change');
  }

  get #nextSequence(): number {
    return (this.#waiting.at(-1)?.sequence ?? this.#state.sequence) + 1;
  }

  async #removeFrom(index: number): Promise<void> {
    // The newest first: what a crash leaves has no gap.
    await this.#forget(this.#waiting.splice(index).reverse());
  }

  async #forget(dropped: readonly Waiting[]): Promise<void> {
    for (const { sequence, bytes } of dropped) {
      await rm(this.#path(sequence), { force: true });
      this.#bytes -= bytes;
    }
    this.#readPlace = this.#waiting.reduce(
      (place, { step }) => advance(place, step),
      this.#state.place,
    );
    this.#wake();
  }

  #path(sequence: number): string {
    return join(this.#folder, `${String(sequence).padStart(12, '0')}.batch`);
  }
}

async function readState(folder: string, source: string): Promise<State> {
  const path = join(folder, 'state.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) {
    return {
      ...{ version: 1, source, sequence: 0, parts: 0, place: NO_PLACE, snapshot: null },
      accepted: { rows: 0, batches: 0 },
    };
  }
  const state = JSON.parse(text) as State;
  if (state.version === 1 && state.source === source) return state;
  throw new DaybookError('E_CONFIG', {
    reason: `${path} is of another source (${state.source}; configured is ${source}); give the source another name, or remove that folder to begin anew`,
  });
}
