import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { FragmentRef } from '../reports/day-task.ts';
import type { Piece, StoredPiece } from '../reports/fragment.ts';
import {
  type Block,
  checkedAside,
  openPartWriter,
  type PartTarget,
  partDamaged,
} from './part-file.ts';

/** Fragments: the rendered pieces of one day, a block each. */

export interface FragmentWriter {
  add(piece: Piece, data: Uint8Array): void;
  commit(): Promise<FragmentRef>;
  abort(): void;
}

export function openFragmentWriter(options: {
  target: PartTarget;
  /** The same place, relative to the home folder. */
  path: string;
  key: string;
}): FragmentWriter {
  const writer = openPartWriter(options.target);
  const pieces: (Piece & Block)[] = [];
  return {
    add(piece, data) {
      pieces.push({ ...piece, ...writer.append(data) });
    },
    async commit() {
      const manifest = { kind: 'fragment', version: 1, key: options.key, pieces };
      const { bytes } = await writer.commit(manifest);
      const stored = pieces.map((piece): StoredPiece => ({ ...piece, path: options.path }));
      return { key: options.key, path: options.path, bytes, pieces: stored };
    },
    abort: () => writer.abort(),
  };
}

/**
 * The compressed bytes of pieces that stand one behind the other in one part, read at once.
 * @param into is used where they fit; who reads many saves the memory for each
 * @throws DaybookError `E_PART_DAMAGED`
 */
export async function readPieces(
  home: string,
  pieces: readonly StoredPiece[],
  into: Buffer,
): Promise<Buffer[]> {
  const [{ path, offset }] = pieces;
  const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  const handle = await open(join(home, path), 'r').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? partDamaged(path, 'it is not there', error) : error;
  });
  try {
    const data = into.length >= bytes ? into : Buffer.allocUnsafe(bytes);
    const { bytesRead } = await handle.read(data, 0, bytes, offset);
    if (bytesRead !== bytes) throw partDamaged(path, 'it is too short');
    return await Promise.all(
      pieces.map((piece) => {
        const at = piece.offset - offset;
        return checkedAside(data.subarray(at, at + piece.bytes), piece, path);
      }),
    );
  } finally {
    await handle.close();
  }
}

/**
 * Every block of a fragment, from the index; its own manifest, which no reader needs, must say the
 * same. @throws DaybookError `E_PART_DAMAGED`
 */
export function blocksOfFragment(manifest: string, ref: FragmentRef): readonly Block[] {
  const pieces = ref.pieces.map(({ path: _, ...piece }) => piece);
  const expected = { kind: 'fragment', version: 1, key: ref.key, pieces };
  if (!isDeepStrictEqual(parsed(manifest), expected)) {
    throw partDamaged(ref.path, 'its manifest is another one');
  }
  return ref.pieces;
}

/** Null for what was not written by `JSON.stringify`. */
function parsed(manifest: string): unknown {
  try {
    const value: unknown = JSON.parse(manifest);
    return JSON.stringify(value) === manifest ? value : null;
  } catch {
    return null;
  }
}
