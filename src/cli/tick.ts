import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { tenantSourceOf } from '../bindings/source-of-config.ts';
import { type Config, configFromProcess } from '../config.ts';
import { DaybookError } from '../errors.ts';
import { parseInstant } from '../mapping/iso-time.ts';
import type { RowSource } from '../reports/ports.ts';
import { clean } from '../scheduler/clean.ts';
import { openSendStage } from '../scheduler/send/open-send-stage.ts';
import { createStages } from '../scheduler/stages/create-stages.ts';
import { runStage } from '../scheduler/stages/run-stage.ts';
import { STAGES, type StageName, type StagePass } from '../scheduler/stages/stage.ts';
import { databaseNow } from '../store/dataset-marks.ts';
import { countOpenRuns } from '../store/process-occurrences.ts';
import { findRunningUp } from '../store/running-up.ts';
import { untilInterrupted } from './interrupts.ts';
import { printJson } from './output.ts';
import { OWN_HOLDER, withOwnParts } from './own-parts.ts';
import { type Session, withDatabase } from './session.ts';

/** One pass of the stages: what a live `up` does each minute, for a person or another waker. */

/** Another process does a pass of a stage: waited for so long. */
const STAGE_TAKEN_MS = 30_000;
const LOOK_MS = 200;
const MAX_RUNS = 8;

interface TickFlags {
  readonly at?: string;
  readonly stage?: string[];
  readonly json?: boolean;
}

interface Ticked {
  readonly at: string;
  readonly stages: Readonly<Partial<Record<StageName, object>>>;
}

/** `daybook tick` */
export function tickCommand(): Command {
  return new Command('tick')
    .description('one pass of the stages: plan what is due, make it, send it, clean up')
    .option('--at <instant>', 'as of then, ISO 8601 with an offset (default: now)')
    .option(
      '--stage <stage>',
      `only this one, repeatable: ${STAGES.join(', ')}`,
      (stage: string, before: string[] = []) => [...before, stage],
    )
    .option('--json', 'print one JSON document')
    .action(async (flags: TickFlags) => {
      const at = flags.at === undefined ? null : parseInstant(flags.at, '--at');
      const names = parseStages(flags.stage);
      const config = configFromProcess();
      const ticked = await untilInterrupted((signal) =>
        withDatabase(config, (session) => tick({ config, session, at, names, signal }), {
          maxConnections: 8,
        }),
      );
      if (flags.json) printJson(ticked);
      else print(ticked);
    });
}

interface TickJob {
  readonly config: Config;
  readonly session: Session;
  /** UTC epoch ms; null: now. */
  readonly at: number | null;
  readonly names: readonly StageName[];
  readonly signal: AbortSignal;
}

async function tick(job: TickJob): Promise<Ticked> {
  const { database, log } = job.session;
  const send = await openSendStage(job.config, { database, holder: OWN_HOLDER, log });
  try {
    return await tickThrough(job, send.pass);
  } finally {
    send.close();
  }
}

async function tickThrough(job: TickJob, send: StagePass): Promise<Ticked> {
  const { database } = job.session;
  const source = tenantSourceOf(job.config, database);
  try {
    return await tickStages(job, send, source);
  } finally {
    await source.close();
  }
}

async function tickStages(job: TickJob, send: StagePass, source: RowSource): Promise<Ticked> {
  const { database } = job.session;
  const now = job.at ?? (await database.asSystem(databaseNow, { readOnly: true }));
  const stages: Partial<Record<StageName, object>> = {};
  const passes = createStages({
    database,
    source,
    holder: OWN_HOLDER,
    send,
  });
  for (const name of STAGES) {
    const pass = passes[name];
    if (!job.names.includes(name)) continue;
    if (name === 'clean') stages.clean = await cleanOnce(now, job);
    else if (name === 'process' && pass) stages.process = await processAll(pass, now, job);
    else if (pass) stages[name] = await passOnce(name, pass, await dueAsOf(name, now, job), job);
  }
  return { at: new Date(now).toISOString(), stages };
}

/** What was sealed just now is owed from now on, whenever the rest of the pass is as of. */
async function dueAsOf(name: StageName, now: number, { session }: TickJob): Promise<number> {
  if (name !== 'send') return now;
  return Math.max(now, await session.database.asSystem(databaseNow, { readOnly: true }));
}

/** Passes until there is nothing left to make: what was queued is executed, and sealed. */
async function processAll(pass: StagePass, now: number, job: TickJob): Promise<object> {
  const { database } = job.session;
  const counted: Record<string, number> = {};
  const count = async () => {
    const summary = await passOnce('process', pass, now, job);
    for (const [name, value] of Object.entries(summary)) {
      counted[name] = (counted[name] ?? 0) + Number(value);
    }
  };
  const openRuns = () => database.asSystem(countOpenRuns, { readOnly: true });
  await count();
  if ((await openRuns()) === 0) return counted;
  await withExecutor(job, async () => {
    while ((await openRuns()) > 0) {
      job.signal.throwIfAborted();
      await pause(LOOK_MS);
      // Begins what had no place in the queue before, and seals what is done.
      await count();
    }
  });
  await count();
  return counted;
}

/** A live `up` executes runs by itself; else this process does. */
async function withExecutor(job: TickJob, work: () => Promise<void>): Promise<void> {
  const { config, session } = job;
  if (findRunningUp(config.home)) return work();
  await withOwnParts(config, session, async ({ startExecutor }) => {
    const executor = startExecutor({ maxRuns: MAX_RUNS, announce: () => {} });
    try {
      await work();
    } finally {
      await executor.drain(0);
    }
  });
}

async function passOnce(
  name: StageName,
  pass: StagePass,
  now: number,
  { session, signal }: TickJob,
): Promise<object> {
  const { database } = session;
  return untilFree(name, signal, () =>
    runStage({ name, pass }, now, { database, holder: OWN_HOLDER }, signal),
  );
}

async function cleanOnce(now: number, { config, session, signal }: TickJob): Promise<object> {
  const { database, log } = session;
  const deps = { database, home: config.home, boundBytes: config.cacheBytes, log };
  return untilFree('clean', signal, () => clean(now, { ...deps, holder: OWN_HOLDER }, signal));
}

/** @throws DaybookError `E_BUSY` when another process does not come to an end */
async function untilFree<T>(
  name: StageName,
  signal: AbortSignal,
  attempt: () => Promise<T | null>,
): Promise<T> {
  const since = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const done = await attempt();
    if (done !== null) return done;
    if (performance.now() - since > STAGE_TAKEN_MS) {
      const got = `another process is at the stage ${name}`;
      throw new DaybookError('E_BUSY', { got, retryAfterSeconds: 30 });
    }
    await pause(LOOK_MS);
  }
}

function parseStages(given: readonly string[] | undefined): StageName[] {
  const unknown = given?.find((name) => !STAGES.some((stage) => stage === name));
  if (unknown !== undefined) {
    throw new DaybookError('E_USAGE', {
      where: '--stage',
      got: JSON.stringify(unknown),
      expected: `one of ${STAGES.join(', ')}`,
    });
  }
  return STAGES.filter((stage) => given === undefined || given.includes(stage));
}

function print({ at, stages }: Ticked): void {
  process.stdout.write(`as of ${at}\n`);
  for (const [name, summary] of Object.entries(stages)) {
    const counts = Object.entries(summary)
      .filter(([, value]) => typeof value === 'number' && value > 0)
      .map(([what, value]) => `${what} ${value}`);
    process.stdout.write(`${name.padEnd(8)} ${counts.join(', ') || 'nothing to do'}\n`);
  }
}
