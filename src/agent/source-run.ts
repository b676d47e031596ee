import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DaybookError, toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Limits, SourceConfig } from './agent-config.ts';
import type { DaybookHttp } from './daybook-http.ts';
import { Folder } from './folder.ts';
import { type IngestClient, ingestClient, type ServerClock } from './ingest-client.ts';
import { backOffMs, type Pace } from './pace.ts';
import type { PassDeps, PassResult } from './pass.ts';
import { readFolder } from './read-files.ts';
import { readAsMirror } from './read-mirror.ts';
import { readByWatermark } from './read-watermark.ts';
import { createSender, type Pause, type Sender } from './sender.ts';
import { Spool } from './spool.ts';
import { openTable } from './tables/open-table.ts';

/** One source, read and sent side by side: neither waits for the other while there is room on disk. */

export interface SourceRunDeps {
  readonly limits: Limits;
  readonly state: string;
  readonly daybook: DaybookHttp;
  readonly clock: ServerClock;
  readonly rowPace: Pace;
  readonly bytePace: Pace;
  readonly log: Logger;
  readonly random: () => number;
  readonly pause?: Pause;
}

export interface SourceRun {
  readonly name: string;
  readonly spool: Spool;
  /** Reads and sends until the signal. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** One pass, and all of it sent. @throws DaybookError when either is not possible */
  once(signal: AbortSignal): Promise<PassResult>;
}

/** Daybook may lose a snapshot that was on its way once; not again and again. */
const MOST_SNAPSHOTS = 3;

/** @throws DaybookError `E_CONFIG` when the state on disk is of another source; `E_IO` */
export async function openSourceRun(source: SourceConfig, deps: SourceRunDeps): Promise<SourceRun> {
  const { limits, random } = deps;
  const log = deps.log.child({ source: source.name });
  const folder = join(deps.state, source.name);
  const spool = await Spool.open(folder, identityOf(source), limits.spoolBytes);
  const client = ingestClient({
    ...deps,
    dataset: source.dataset,
    source: source.name,
    key: source.key,
    apiKey: source.apiKey,
  });
  const sender = createSender({
    ...{ source: source.name, dataset: source.dataset },
    ...{ spool, client, log, random, pace: deps.bytePace, pause: deps.pause },
  });
  const pass = passOf(source);

  async function passOnce(signal: AbortSignal): Promise<PassResult> {
    const startedMs = performance.now();
    await askAfterHeldBack(spool, client, log, signal);
    const result = await pass({ spool, limits, log, signal, pace: deps.rowPace });
    if (result.taken > 0 || result.refused > 0) {
      log.info({ ...result, ms: Math.round(performance.now() - startedMs) }, 'a pass read rows');
    }
    return result;
  }

  async function readOn(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      let waitMs = source.everyMs;
      try {
        await passOnce(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        waitMs = Math.max(waitMs, backOffMs(++failures, random()));
        log.error({ error: toDaybookError(error).message, wait_ms: waitMs }, 'a pass failed');
      }
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  return {
    name: source.name,
    spool,
    async run(signal) {
      await Promise.all([readOn(signal), sender.run(signal)]);
    },
    async once(signal) {
      const stop = new AbortController();
      const both = AbortSignal.any([signal, stop.signal]);
      const sending = sender.run(both);
      const watching = giveUp(sender, spool, limits.giveUpMs, stop, both);
      try {
        let result = await passOnce(both);
        if (source.type === 'files') result = added(result, await settled(passOnce, source, both));
        for (let tries = 1, dropped = spool.droppedMirrors; ; tries++) {
          while (spool.waiting > 0) await spool.change(both);
          if (spool.droppedMirrors === dropped) break;
          if (tries === MOST_SNAPSHOTS) throw lostAgain(source.name);
          dropped = spool.droppedMirrors;
          result = await passOnce(both);
        }
        const { heldBack } = spool;
        if (heldBack === null) return result;
        throw new DaybookError('E_CONFLICT', { where: source.name, reason: heldBack.reason });
      } finally {
        stop.abort();
        await Promise.all([sending, watching]);
      }
    },
  };
}

/** What somebody did with a snapshot that was held back. An answer that does not come is no matter. */
async function askAfterHeldBack(
  spool: Spool,
  client: IngestClient,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { heldBack } = spool;
  if (heldBack === null || spool.waiting > 0) return;
  const unknown = () => 'waiting' as const;
  const fate = await client.fateOf(heldBack.snapshot, signal).catch(unknown);
  signal.throwIfAborted();
  if (fate === 'waiting') {
    log.warn({ ...heldBack }, 'Daybook still holds a snapshot back; a person decides there');
    return;
  }
  log.info({ snapshot: heldBack.snapshot, fate }, 'the snapshot that was held back has ended');
  await spool.forgetHeldBack({ again: fate === 'gone' });
}

/** Files are whole when a second look finds them unchanged. */
async function settled(
  passOnce: (signal: AbortSignal) => Promise<PassResult>,
  source: Extract<SourceConfig, { type: 'files' }>,
  signal: AbortSignal,
): Promise<PassResult> {
  if (source.complete === 'marker') return { read: 0, taken: 0, refused: 0 };
  await sleep(source.settleMs, undefined, { signal });
  return passOnce(signal);
}

/** Ends an attempt that only waits. */
async function giveUp(
  sender: Sender,
  spool: Spool,
  mostMs: number,
  stop: AbortController,
  signal: AbortSignal,
): Promise<void> {
  const everyMs = Math.min(1_000, mostMs);
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal }).catch(() => {});
    if (sender.trouble === null || performance.now() - sender.progressedMs < mostMs) continue;
    const reason = `${spool.waiting} batches wait; the last answer was: ${sender.trouble}`;
    stop.abort(new DaybookError('E_UNAVAILABLE', { what: 'Daybook', reason }));
  }
}

function passOf(source: SourceConfig): (deps: PassDeps) => Promise<PassResult> {
  if (source.type === 'files') {
    const folder = new Folder(source);
    const broken = new Map<string, string>();
    return (deps) => readFolder(source, folder, broken, deps);
  }
  return async (deps) => {
    const table = await openTable(source, deps.signal);
    try {
      return source.mode.kind === 'mirror'
        ? await readAsMirror(source, source.mode.scope, table, deps)
        : await readByWatermark(source, source.mode.rule, table, deps);
    } finally {
      await table.close();
    }
  };
}

/** What must stay the same for the place on disk to mean anything. */
function identityOf(source: SourceConfig): string {
  const of =
    source.type === 'files'
      ? [source.type, source.dataset, source.folder]
      : [
          ...[source.type, source.dataset, source.from],
          source.mode.kind === 'mirror'
            ? 'mirror'
            : [source.mode.rule.column, source.mode.rule.key],
        ];
  return createHash('sha256').update(JSON.stringify(of)).digest('hex').slice(0, 16);
}

function lostAgain(what: string): DaybookError {
  const reason = `its snapshot was given up there ${MOST_SNAPSHOTS} times while it was being sent`;
  return new DaybookError('E_UNAVAILABLE', { what, reason });
}

function added(a: PassResult, b: PassResult): PassResult {
  return { read: a.read + b.read, taken: a.taken + b.taken, refused: a.refused + b.refused };
}
