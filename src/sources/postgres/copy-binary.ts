import { CHUNK_ROWS, type Chunk, type ChunkColumn } from '../../reports/chunk.ts';
import type { Field } from '../../reports/dataset.ts';
import { Kernel } from '../../reports/kernel/kernel.ts';

/**
 * Decodes the messages of `COPY … (FORMAT binary)` into chunks, as they come from the socket. A
 * row is one CopyData message, as the protocol says of a server. Timestamps are microseconds since
 * 2000 in an int64, integers int64 (bigint), text and decimals bytes.
 */

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** The message's type and length, then signature, flags and the length of an extension. */
const MESSAGE_BYTES = 5;
const HEADER_BYTES = SIGNATURE.length + 8;

const FIRST_INPUT_BYTES = 1 << 18;
const FIRST_TEXT_BYTES = CHUNK_ROWS * 8;

const KINDS = { text: 0, decimal: 0, instant: 1, integer: 2 } as const;
const BUILDER_WORDS = 5;
const STATE_WORDS = 4;

/** Why the kernel's `decodeRows` came back. */
const CHUNK_IS_FULL = 1;
const WANTS_ROOM = 2;
const SAW_TRAILER = 3;
const OTHER_MESSAGE = 4;
const NOT_A_ROW = 5;

export interface CopyDecoder {
  /**
   * Takes the next bytes of the stream.
   * @returns the chunks that became full, and the bytes from the first message on that is not
   *   CopyData; null while there is none
   * @throws Error when a message is no row of these fields
   */
  push(bytes: Uint8Array): { readonly chunks: readonly Chunk[]; readonly other: Buffer | null };
  /** The rest. @throws Error when the rows ended without their trailer */
  end(): Chunk | null;
  /** Gives its memory up, for the next one. */
  release(): void;
}

/** Kernels whose decoder was released: their memory has grown to what chunks need. */
const idle: Kernel[] = [];

/** Must be released. */
export function openCopyDecoder(fields: readonly Field[]): CopyDecoder {
  const kernel = idle.pop() ?? new Kernel();
  kernel.reset();
  const state = kernel.allocate(STATE_WORDS * 4);
  const builders = kernel.allocate(fields.length * BUILDER_WORDS * 4);
  const stateWords = () => kernel.offsets(state, STATE_WORDS);
  const builderOf = (index: number) =>
    kernel.offsets(builders + index * BUILDER_WORDS * 4, BUILDER_WORDS);
  fields.forEach((field, index) => {
    const kind = KINDS[field.type];
    const room = kind === KINDS.text ? FIRST_TEXT_BYTES : CHUNK_ROWS * 8;
    const data = kernel.allocate(room);
    const offsets = kind === KINDS.text ? kernel.allocate((CHUNK_ROWS + 1) * 4) : 0;
    builderOf(index).set([kind, data, offsets, 0, room]);
    if (offsets !== 0) kernel.offsets(offsets, 1)[0] = 0;
  });
  stateWords().set([0, CHUNK_ROWS, 0, 0]);

  let inputBytes = FIRST_INPUT_BYTES;
  let input = kernel.allocate(inputBytes);
  let held = 0;
  let headerSeen = false;
  let trailerSeen = false;

  function hold(bytes: Uint8Array): void {
    if (held + bytes.length > inputBytes) {
      const before = input;
      inputBytes = Math.max(inputBytes * 2, held + bytes.length);
      input = kernel.allocate(inputBytes);
      kernel.bytes(input, held).set(kernel.bytes(before, held));
    }
    kernel.bytes(input + held, bytes.length).set(bytes);
    held += bytes.length;
  }

  /** Lets go of the first `taken` bytes that are held. */
  function drop(taken: number): void {
    kernel.bytes(input, held).copyWithin(0, taken, held);
    held -= taken;
  }

  /** The header comes in the first CopyData message, before its row or alone. */
  function takeHeader(): void {
    if (held < MESSAGE_BYTES + HEADER_BYTES) return;
    const message = kernel.bytes(input, held);
    if (!message.subarray(MESSAGE_BYTES, MESSAGE_BYTES + SIGNATURE.length).equals(SIGNATURE)) {
      throw new Error('the rows do not begin as a binary COPY does');
    }
    const extension = message.readUInt32BE(MESSAGE_BYTES + HEADER_BYTES - 4);
    const skipped = HEADER_BYTES + extension;
    const length = message.readUInt32BE(1);
    if (held < MESSAGE_BYTES + skipped) return;
    headerSeen = true;
    if (length === 4 + skipped) {
      drop(MESSAGE_BYTES + skipped);
      return;
    }
    // The row behind it becomes a message of its own.
    message.copyWithin(skipped, 0, 1);
    message.writeUInt32BE(length - skipped, skipped + 1);
    drop(skipped);
  }

  function makeRoom(rowBytes: number): void {
    fields.forEach((_, index) => {
      const [kind, data, offsets, used, room] = builderOf(index);
      if (kind !== KINDS.text || room - used >= rowBytes) return;
      const larger = Math.max(room * 2, used + rowBytes);
      const moved = kernel.allocate(larger);
      kernel.bytes(moved, used).set(kernel.bytes(data, used));
      builderOf(index).set([kind, moved, offsets, used, larger]);
    });
  }

  function takeChunk(): Chunk {
    const [rows] = stateWords();
    const columns = new Map(
      fields.map((field, index): [string, ChunkColumn] => {
        const { type } = field;
        const builder = builderOf(index);
        const [, data, offsets, used] = builder;
        if (type === 'instant' || type === 'integer') {
          return [field.name, { type, values: kernel.numbers(data, rows).slice() }];
        }
        builder[3] = 0;
        const bytes = new Uint8Array(kernel.bytes(data, used));
        return [field.name, { type, offsets: kernel.offsets(offsets, rows + 1).slice(), bytes }];
      }),
    );
    stateWords()[0] = 0;
    return { rows, columns };
  }

  return {
    push(bytes) {
      hold(bytes);
      const chunks: Chunk[] = [];
      for (;;) {
        if (!headerSeen && held > 0 && kernel.bytes(input, 1)[0] === COPY_DATA) {
          takeHeader();
          if (!headerSeen) return { chunks, other: null };
        }
        const end = input + held;
        const stopped = kernel.run.decodeRows(input, end, fields.length, builders, state) >>> 0;
        drop(stopped - input);
        const [, , why, rowBytes] = stateWords();
        if (why === CHUNK_IS_FULL) chunks.push(takeChunk());
        else if (why === WANTS_ROOM) makeRoom(rowBytes);
        else if (why === SAW_TRAILER) trailerSeen = true;
        else if (why === NOT_A_ROW) throw new Error('a message is not a row of these fields');
        else if (why === OTHER_MESSAGE) {
          const other = Buffer.from(kernel.bytes(input, held));
          held = 0;
          return { chunks, other };
        } else return { chunks, other: null };
      }
    },
    end() {
      if (!trailerSeen) throw new Error('the rows ended before their trailer');
      return stateWords()[0] > 0 ? takeChunk() : null;
    },
    release() {
      idle.push(kernel);
    },
  };
}

const COPY_DATA = 0x64;
