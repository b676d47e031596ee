import type { FileHandle } from 'node:fs/promises';
import { openInside } from '../delivery/stored-file.ts';
import { DaybookError } from '../errors.ts';
import { isFinal } from '../store/runs.ts';
import type { GrowingArtifact } from './deps.ts';
import type { FoundRun } from './run-lookup.ts';
import type { RunWatch } from './run-watch.ts';

/** Files that are read while the runner still writes them. */

/** Looks at the row, and at the file's length, this often, in case a hint was lost. */
const LOOK_MS = 1_000;
const READ_BYTES = 1 << 20;

/** Its handle must be closed. */
export interface OpenedArtifact extends GrowingArtifact {
  readonly handle: FileHandle;
}

/**
 * Waits until a run's file has its first bytes, and opens it.
 * @returns null when the run has ended, `waitMs` are over, or the signal aborts
 */
export async function awaitArtifact(options: {
  readonly watch: RunWatch;
  readonly look: () => Promise<FoundRun>;
  readonly waitMs: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly home: string;
  /** False: only the end is waited for. */
  readonly growing: boolean;
}): Promise<OpenedArtifact | null> {
  const deadline = options.now() + options.waitMs;
  let lookAt = options.now() + LOOK_MS;
  for (;;) {
    const left = deadline - options.now();
    if (left <= 0 || options.signal.aborted) return null;
    const hint = await options.watch.next(Math.min(left, Math.max(1, lookAt - options.now())));
    if (options.growing && hint?.artifact && hint.state === 'running') {
      // It may have its last name by now; then the end is near.
      const handle = await openInside(options.home, hint.artifact.path).catch(() => null);
      if (handle) return { ...hint.artifact, handle };
    }
    if (hint && !isFinal(hint.state) && options.now() < lookAt) continue;
    if (isFinal((await options.look()).run.state)) return null;
    lookAt = options.now() + LOOK_MS;
  }
}

/**
 * The stored bytes of a file in the making, from the first to the last; ends when its runner says
 * that they are all, or its run has committed it. A chunk is good until the next one is asked for.
 * @throws DaybookError `E_CONFLICT` when the file is given up, whatever the reason
 */
export async function* followArtifact(options: {
  readonly artifact: OpenedArtifact;
  readonly watch: RunWatch;
  readonly look: () => Promise<FoundRun>;
  readonly signal: AbortSignal;
}): AsyncGenerator<Buffer> {
  const { artifact, watch, look, signal } = options;
  const { handle } = artifact;
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  let known = artifact.storedBytes;
  let at = 0;
  for (let ended = artifact.isWhole; ; ) {
    while (at < known) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(READ_BYTES, known - at), at);
      if (bytesRead === 0) throw givenUp(artifact);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    if (ended) return;
    const hint = await watch.next(LOOK_MS);
    signal.throwIfAborted();
    if (hint?.state === 'running' && hint.artifact?.fileId === artifact.fileId) {
      known = Math.max(known, hint.artifact.storedBytes);
      ended = hint.artifact.isWhole;
      continue;
    }
    if (hint && !isFinal(hint.state)) throw givenUp(artifact);
    // No hint, or one of the end, which is told by the row alone, once it is committed.
    const { run, file } = await look();
    if (run.state === 'done' && file?.id === artifact.fileId && file.storedBytes >= at) {
      known = file.storedBytes;
      ended = true;
    } else if (run.state === 'running' && run.leaseToken === artifact.leaseToken) {
      known = Math.max(known, (await handle.stat()).size);
    } else {
      throw givenUp(artifact);
    }
  }
}

function givenUp({ fileId }: GrowingArtifact): DaybookError {
  const reason = `the file ${fileId} was given up while it was made`;
  return new DaybookError('E_CONFLICT', { where: 'status', reason });
}
