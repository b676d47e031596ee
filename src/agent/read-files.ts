import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { DaybookError, toFileError } from '../errors.ts';
import { columnsOf, openRows } from '../ingest/open-rows.ts';
import { NO_MAP } from '../mapping/load-map.ts';
import { datasetOf } from '../reports/dataset.ts';
import type { FilesConfig } from './agent-config.ts';
import { BatchBuilder, partOf } from './batch-builder.ts';
import type { Folder, FoundFile } from './folder.ts';
import { lineMaker } from './line-maker.ts';
import { type PassDeps, type PassResult, roomIn } from './pass.ts';
import type { FilePlace } from './place.ts';

const PIECE_BYTES = 1 << 18;

/**
 * One pass over a folder: every whole file that is new or changed. A file that grew goes on behind
 * the rows that were taken, when those are still what they were; else it is a new file.
 * @returns what was read, and the files that could not be: they wait until they change
 */
export async function readFolder(
  source: FilesConfig,
  folder: Folder,
  broken: Map<string, string>,
  deps: PassDeps,
): Promise<PassResult> {
  const { spool, log, signal } = deps;
  const total = { read: 0, taken: 0, refused: 0 };
  for (const file of await folder.look()) {
    signal.throwIfAborted();
    const version = `${file.size} ${file.mtimeMs} ${file.readable}`;
    const place = spool.readPlace.files[file.name] ?? null;
    if (place?.whole && place.size === file.readable && place.mtimeMs === file.mtimeMs) continue;
    if (broken.get(file.name) === version) continue;
    try {
      const result = await readFile(source, file, place, deps);
      total.read += result.read;
      total.taken += result.taken;
      total.refused += result.refused;
      broken.delete(file.name);
    } catch (error) {
      signal.throwIfAborted();
      // A full disk or a lost folder is no fault of the file.
      if (!(error instanceof DaybookError) || !['E_INPUT', 'E_MAP'].includes(error.code))
        throw error;
      broken.set(file.name, version);
      log.error(
        { file: file.name, error: error.message },
        'a file cannot be read; it waits until it changes',
      );
    }
  }
  const gone = Object.keys(spool.readPlace.files).filter((name) => !folder.names.has(name));
  if (gone.length > 0) {
    await spool.add({ kind: 'note', position: 'files gone', step: { forget: gone }, parts: [] });
  }
  return total;
}

async function readFile(
  source: FilesConfig,
  file: FoundFile,
  place: FilePlace | null,
  deps: PassDeps,
): Promise<PassResult> {
  const result = await readBehind(source, file, place, deps);
  if (result !== null) return result;
  deps.log.info({ file: file.name }, 'the file was rewritten; it is read from its beginning');
  return (await readBehind(source, file, null, deps)) as PassResult;
}

/** Null: the rows that were taken before are not those that the file begins with. */
async function readBehind(
  source: FilesConfig,
  file: FoundFile,
  place: FilePlace | null,
  deps: PassDeps,
): Promise<PassResult | null> {
  const { spool, limits, pace, signal } = deps;
  const dataset = datasetOf(source.dataset);
  const map = source.map ?? { ...NO_MAP, extra: 'all' as const };
  const bytes = createReadStream(file.path, { highWaterMark: PIECE_BYTES, end: file.readable - 1 });
  // A row is a line of the file whatever it is like; what it holds is judged when it is encoded.
  const reader = await openRows(bytes, {
    ...{ name: file.name, format: source.format, map, dataset },
  }).then(
    (opened) => opened.reader,
    (error) => {
      bytes.destroy();
      throw toFileError(error, file.path);
    },
  );
  try {
    const lines = lineMaker({
      ...{ dataset, map: source.map, fixedCount: reader.columns !== null },
      columns: columnsOf(reader, map, dataset),
    });
    const batch = new BatchBuilder({ rows: limits.batchRows, bytes: limits.batchBytes });
    const chain = createHash('sha256');
    const behind = place?.rows ?? 0;
    let rows = 0;
    let taken = 0;
    let first = behind + 1;
    let isSame = behind === 0;
    const flush = async (whole: boolean) => {
      if (batch.rows === 0 && !whole) return;
      await roomIn(spool, signal);
      const count = batch.rows;
      const position = `${file.name} rows ${first}-${first + count - 1}`;
      const next: FilePlace = {
        ...{ size: file.readable, mtimeMs: file.mtimeMs, whole },
        ...{ rows: first + count - 1, chain: chain.copy().digest('base64url') },
      };
      const lineBytes = batch.take();
      await spool.add({
        kind: count === 0 ? 'note' : 'rows',
        position,
        step: { file: { name: file.name, place: next } },
        parts:
          count === 0
            ? []
            : [await partOf(lineBytes, { source: source.name, dataset: dataset.name, position })],
      });
      first += count;
      taken += count;
    };
    let more = true;
    const made: Buffer[] = [];
    while (more) {
      signal.throwIfAborted();
      more = await reader.next((row) => {
        made.push(lines.lineOf(row));
      });
      for (const line of made) {
        if (rows === behind && behind > 0) {
          isSame = chain.copy().digest('base64url') === place?.chain;
          if (!isSame) return null;
        }
        if (rows >= behind && batch.isFullFor(line)) await flush(false);
        chain.update(line);
        rows++;
        if (rows > behind) batch.add(line);
      }
      await pace.pass(made.length, signal);
      made.length = 0;
    }
    if (rows < behind) return null;
    if (rows === behind && behind > 0) isSame = chain.copy().digest('base64url') === place?.chain;
    if (!isSame) return null;
    await flush(true);
    return { read: rows, taken, refused: lines.refused };
  } catch (error) {
    throw toFileError(error, file.path);
  } finally {
    await reader.close();
    bytes.destroy();
  }
}
