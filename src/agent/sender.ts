import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { partOf } from './batch-builder.ts';
import type { Answer, IngestClient } from './ingest-client.ts';
import type { Item, Part } from './item.ts';
import { backOffMs, type Pace } from './pace.ts';
import type { Spool, Spooled } from './spool.ts';

const inflate = promisify(gunzip);
const LF = 10;

export interface SenderDeps {
  readonly source: string;
  readonly dataset: string;
  readonly spool: Spool;
  readonly client: IngestClient;
  /** Of bytes sent, shared by all sources. */
  readonly pace: Pace;
  readonly log: Logger;
  readonly random: () => number;
  /** What waits between attempts; another one where time is not real. */
  readonly pause?: Pause;
}

/** @throws the signal's reason */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export interface Sender {
  /** Sends what comes, in order, until the signal. Failures are waited out and never thrown. */
  run(signal: AbortSignal): Promise<void>;
  /** Why the oldest batch is not accepted yet; null: nothing stands in the way. */
  readonly trouble: string | null;
  /** Monotonic ms of the last progress. */
  readonly progressedMs: number;
}

/** Sends one source's batches, the oldest first: one that is not accepted is the next one again. */
export function createSender(deps: SenderDeps): Sender {
  const { spool, client, pace, log } = deps;
  const pause = deps.pause ?? ((ms, signal) => sleep(ms, undefined, { signal }));
  let failures = 0;
  let trouble: string | null = null;
  let progressedMs = performance.now();

  const progressed = () => {
    if (trouble !== null) log.info({ source: deps.source }, 'sending goes on');
    failures = 0;
    trouble = null;
    progressedMs = performance.now();
  };

  async function put(reason: string, leastMs: number | null, signal: AbortSignal): Promise<void> {
    failures++;
    const waitMs = Math.max(leastMs ?? 0, backOffMs(failures, deps.random()));
    trouble = reason;
    const waiting = { batches: spool.waiting, bytes: spool.bytes };
    log.warn({ source: deps.source, reason, wait_ms: waitMs, waiting }, 'a batch was not accepted');
    await pause(waitMs, signal);
  }

  async function sendFirst(spooled: Spooled, signal: AbortSignal): Promise<void> {
    const { item } = spooled;
    const part = item.parts[spool.state.parts];
    if (part === undefined) return spool.skip(spooled);
    // The newer takes the place of one that is held back: they would be more than Daybook keeps.
    const old = item.kind === 'mirror_begin' ? spool.heldBack : null;
    await pace.pass(part.bytes.length, signal);
    let answer: Answer;
    try {
      answer = await (old === null
        ? client.send(item, part, spool.state.snapshot, signal)
        : client.discard(old.snapshot, signal));
    } catch (error) {
      signal.throwIfAborted();
      return put(toDaybookError(error).message, null, signal);
    }
    const at = { source: deps.source, position: item.position };
    switch (answer.kind) {
      case 'accepted': {
        if (old !== null) return spool.forgetHeldBack({ again: false });
        await spool.acceptPart(spooled, answer.snapshot ?? spool.state.snapshot);
        progressed();
        log.debug({ ...at, rows: part.rows, id: part.id }, 'accepted');
        return;
      }
      case 'too_large':
        if (await split(spooled, part)) return progressed();
        return put('one row alone is too large for Daybook', null, signal);
      case 'wait':
        return put(answer.reason, answer.retryAfterMs, signal);
      case 'refused':
        log.error({ ...at, reason: answer.reason }, 'Daybook refuses a batch; it is kept');
        return put(answer.reason, 30_000, signal);
      case 'snapshot_gone':
        log.warn({ ...at, reason: answer.reason }, 'the snapshot is gone; it is read anew');
        await spool.dropMirror();
        return progressed();
      case 'guarded':
        log.error({ ...at, reason: answer.reason }, 'Daybook did not apply the snapshot');
        await spool.holdBack(spooled, answer.reason);
        return progressed();
    }
  }

  /** Halves a part; a single row becomes a refused one. False: even that is too large. */
  async function split(spooled: Spooled, part: Part): Promise<boolean> {
    const { item } = spooled;
    const lines = await inflate(part.bytes);
    const pieces = part.rows > 1 ? halvesOf(lines) : [refusedLine(lines)];
    if (part.rows < 2 && lines.equals(pieces[0])) return false;
    const parts: Part[] = [];
    const { source, dataset } = deps;
    for (const piece of pieces) {
      parts.push(await partOf(piece, { source, dataset, position: item.position }));
    }
    const all = item.parts.toSpliced(item.parts.indexOf(part), 1, ...parts);
    await spool.replace(spooled, { ...item, parts: all } satisfies Item);
    log.info({ source, rows: part.rows, bytes: part.bytes.length }, 'a batch was too large');
    return true;
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        try {
          const first = await spool.first();
          if (first === null) await spool.change(signal);
          else await sendFirst(first, signal);
        } catch (error) {
          if (signal.aborted) return;
          // The disk: what is written down cannot be read, or acceptance cannot be written down.
          await put(toDaybookError(error).message, null, signal).catch(() => {});
        }
      }
    },
    get trouble() {
      return trouble;
    },
    get progressedMs() {
      return progressedMs;
    },
  };
}

function halvesOf(lines: Buffer): Buffer[] {
  let middle = lines.indexOf(LF, lines.length >> 1) + 1;
  if (middle === 0 || middle === lines.length) middle = lines.indexOf(LF) + 1;
  return [lines.subarray(0, middle), lines.subarray(middle)];
}

/** What Daybook keeps of a row that it does not take: why, and how it begins. */
function refusedLine(line: Buffer): Buffer {
  const text = line.toString('utf8');
  if (text.startsWith('{"_refused":"the row is too large')) return line;
  const _refused = `the row is too large to be sent: ${line.length} bytes`;
  return Buffer.from(`${JSON.stringify({ _refused, _raw: text.slice(0, 500).toWellFormed() })}\n`);
}
