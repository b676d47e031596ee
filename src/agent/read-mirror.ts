import { createHash } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import { Row } from '../mapping/row.ts';
import { datasetOf } from '../reports/dataset.ts';
import type { MirrorScope, TableConfig } from './agent-config.ts';
import { BatchBuilder, partOf } from './batch-builder.ts';
import { lineMaker } from './line-maker.ts';
import type { PassDeps, PassResult } from './pass.ts';
import { allRows } from './tables/page-query.ts';
import type { TableSource } from './tables/table-source.ts';

/**
 * One pass as a mirror: all rows as one state of the database has them. The snapshot is written down
 * whole before any of it is sent, and taken back when the reading fails or when it equals the last
 * one that was committed.
 */
export async function readAsMirror(
  source: TableConfig,
  scope: MirrorScope,
  table: TableSource,
  deps: PassDeps,
): Promise<PassResult> {
  const { spool, limits, pace, signal } = deps;
  // A snapshot that waits is not made newer: the next pass brings what changed since.
  if (spool.waiting > 0) return { read: 0, taken: 0, refused: 0 };
  const query = allRows(source, table.dialect);
  const columns = await table.columnsOf(query, signal);
  const dataset = datasetOf(source.dataset);
  const lines = lineMaker({
    ...{ dataset, map: source.map, fixedCount: true },
    columns: columns.map(({ name }) => name),
  });
  const batch = new BatchBuilder({ rows: limits.batchRows, bytes: limits.batchBytes });
  // A set of rows has no order: digests are added up, and the database may sort as it likes.
  let sum = 0n;
  let rows = 0;
  let batches = 0;
  const row = new Row();
  const startedMs = await table.nowMs(signal);
  const snapshot = `${source.name} ${new Date(startedMs).toISOString()}`;
  const flush = async () => {
    if (batch.rows === 0) return;
    if (spool.isFull) {
      throw new DaybookError('E_INPUT', {
        where: source.name,
        reason: `the snapshot is larger than limits.spool_bytes (${limits.spoolBytes})`,
      });
    }
    const position = `${snapshot} #${++batches}`;
    const part = await partOf(batch.take(), {
      ...{ source: source.name, dataset: dataset.name, position },
    });
    // Halved again and again a batch becomes as many parts as it has rows; their numbers stay apart.
    const about = { part: batches * limits.batchRows };
    await spool.add({ kind: 'mirror_rows', position, step: {}, parts: [part], about });
  };

  spool.hold();
  try {
    const empty = { id: '', bytes: Buffer.alloc(0), rows: 0 };
    const about = { ...scope, snapshot };
    await spool.add({ kind: 'mirror_begin', position: snapshot, step: {}, parts: [empty], about });
    for await (const piece of table.read(query, signal)) {
      for (const values of piece) {
        row.setTexts(values);
        const line = lines.lineOf(row);
        if (batch.isFullFor(line)) await flush();
        batch.add(line);
        rows++;
        sum += BigInt(`0x${createHash('sha256').update(line).digest('hex').slice(0, 32)}`);
      }
      await pace.pass(piece.length, signal);
    }
    await flush();
    const digest = `${rows}:${sum.toString(16)}`;
    if (digest === spool.readPlace.snapshot) {
      await spool.takeBack();
      return { read: rows, taken: 0, refused: lines.refused };
    }
    await spool.add({
      kind: 'mirror_commit',
      position: snapshot,
      step: { snapshot: digest },
      parts: [empty],
      about: { ...about, rows, batches },
    });
    spool.release();
    return { read: rows, taken: rows, refused: lines.refused };
  } catch (error) {
    await spool.takeBack();
    throw error;
  }
}
