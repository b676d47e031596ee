import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DaybookError } from '../errors.ts';
import type { FragmentRef } from '../reports/day-task.ts';
import type { Piece, StoredPiece } from '../reports/fragment.ts';
import { type Block, checked, openPartWriter, type PartTarget } from './part-file.ts';

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
      return { key: options.key, bytes, pieces: stored };
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
  const name = basename(path);
  const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  const handle = await open(join(home, path), 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new DaybookError('E_PART_DAMAGED', { got: name, reason: 'it is not there' }, error);
  });
  try {
    const data = into.length >= bytes ? into : Buffer.allocUnsafe(bytes);
    const { bytesRead } = await handle.read(data, 0, bytes, offset);
    if (bytesRead !== bytes) {
      throw new DaybookError('E_PART_DAMAGED', { got: name, reason: 'it is too short' });
    }
    return pieces.map((piece) => {
      const at = piece.offset - offset;
      return checked(data.subarray(at, at + piece.bytes), piece, name);
    });
  } finally {
    await handle.close();
  }
}
