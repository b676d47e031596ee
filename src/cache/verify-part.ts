import type { FragmentRef, RowsPartRef } from '../reports/day-task.ts';
import { blocksOfFragment } from './fragment-part.ts';
import { openPartReader, partDamaged } from './part-file.ts';
import { blocksOfRows } from './rows-part.ts';

/**
 * Reads a whole part, as no export does, and checks each of its bytes: every block against its hash,
 * the manifest against the index, and that nothing lies between or beside them.
 * @throws DaybookError `E_PART_DAMAGED` saying what is wrong
 */
export async function verifyPart(
  home: string,
  part:
    | { readonly kind: 'rows'; readonly ref: RowsPartRef }
    | { readonly kind: 'fragment'; readonly ref: FragmentRef },
  signal: AbortSignal,
): Promise<void> {
  const { kind, ref } = part;
  const reader = await openPartReader(home, ref.path, kind === 'rows' ? ref.sha256 : null);
  try {
    if (reader.bytes !== ref.bytes) {
      throw partDamaged(ref.path, `it has ${reader.bytes} bytes, the index says ${ref.bytes}`);
    }
    const blocks =
      kind === 'rows' ? blocksOfRows(reader.manifest) : blocksOfFragment(reader.manifest, ref);
    let end = 0;
    for (const block of blocks) {
      signal.throwIfAborted();
      if (block.offset !== end) throw partDamaged(ref.path, `no block begins at ${end}`);
      await reader.read(block);
      end += block.bytes;
    }
    if (end !== reader.manifestOffset) {
      throw partDamaged(ref.path, `its blocks end at ${end}, not at ${reader.manifestOffset}`);
    }
  } finally {
    await reader.close();
  }
}
