import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { openAgent, type SourceOutcome } from '../agent/agent.ts';
import { readAgentConfig } from '../agent/agent-config.ts';
import { checkSources } from '../agent/check-sources.ts';
import { processEnvironment } from '../config.ts';
import { createLogger } from '../log.ts';
import { untilInterrupted } from './interrupts.ts';
import { printJson, printTable } from './output.ts';

/** `daybook agent`: beside a legacy system, with nothing but Node and the way to Daybook's API. */

interface AgentOptions {
  readonly config: string;
  readonly once?: boolean;
  readonly check?: boolean;
  readonly json?: boolean;
}

/** What is under way when a signal comes gets no longer than this. */
const STOP_MS = 5_000;

export function agentCommand(): Command {
  return new Command('agent')
    .description('push rows of a legacy database, or of a folder of files, to the ingest API')
    .requiredOption('--config <file>', 'JSON; docs/agent.md has an example')
    .option('--once', 'one pass over each source, everything sent, then end')
    .option('--check', 'look into each source and send nothing')
    .option('--json', 'print one JSON document')
    .action(runAgent);
}

async function runAgent(options: AgentOptions): Promise<void> {
  const environment = processEnvironment();
  const config = readAgentConfig(options.config, environment);
  if (options.check) {
    const checked = await untilInterrupted((signal) => checkSources(config, signal));
    if (options.json) printJson(checked);
    else {
      const rows = checked.map(({ source, type, found, sample, error }) => [
        ...[source, type, error ?? 'ok', found.join(' '), sample ?? ''],
      ]);
      printTable(['source', 'type', 'state', 'found', 'first row'], rows);
    }
    if (checked.some(({ error }) => error !== null)) process.exitCode = 1;
    return;
  }
  const log = createLogger({ level: environment['LOG_LEVEL'] ?? 'info', role: 'agent' });
  const agent = await openAgent(config, { log });
  try {
    if (options.once) {
      printOutcomes(await untilInterrupted((signal) => agent.once(signal)), options);
      return;
    }
    await untilInterrupted(async (signal) => {
      const running = agent.run(signal);
      if (await Promise.race([running.then(() => true), afterSignal(signal)])) return;
      agent.close();
      process.exit(0);
    });
  } finally {
    agent.close();
  }
}

/** A database that does not let go is not waited for: nothing is lost with it. */
async function afterSignal(signal: AbortSignal): Promise<boolean> {
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  await sleep(STOP_MS, undefined, { ref: false });
  return false;
}

function printOutcomes(outcomes: readonly SourceOutcome[], { json }: AgentOptions): void {
  if (json) printJson(outcomes);
  else {
    const rows = outcomes.map(({ source, read, taken, refused, waiting, error }) => [
      ...[source, String(read), String(taken), String(refused), String(waiting), error ?? 'ok'],
    ]);
    printTable(['source', 'read', 'taken', 'refused', 'waiting', 'state'], rows);
  }
  if (outcomes.some(({ error }) => error !== null)) process.exitCode = 1;
}
