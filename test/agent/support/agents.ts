import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Agent, openAgent, type SourceOutcome } from '../../../src/agent/agent.ts';
import { type AgentConfig, parseAgentConfig } from '../../../src/agent/agent-config.ts';
import { createLogger } from '../../../src/log.ts';

/** Agents in this process, with a folder of their own. */

export interface Receiving {
  readonly url: string;
  readonly keyId: string;
  readonly key: string;
}

const log = createLogger({ level: process.env.TEST_LOG ?? 'silent', role: 'agent' });

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'daybook-agent-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A configuration for a receiver; `secrets` are what its environment holds. */
export function configFor(
  receiver: Receiving,
  state: string,
  sources: readonly object[],
  more: {
    readonly limits?: object;
    readonly daybook?: object;
    readonly secrets?: Readonly<Record<string, string>>;
  } = {},
): AgentConfig {
  return parseAgentConfig(
    {
      daybook: { url: receiver.url, key_id: receiver.keyId, key: { env: 'KEY' }, ...more.daybook },
      state,
      ...(more.limits ? { limits: more.limits } : {}),
      sources,
    },
    { environment: { KEY: receiver.key, ...more.secrets }, folder: state },
  );
}

export async function onceWith(
  config: AgentConfig,
  deps: { readonly nowMs?: () => number; readonly signal?: AbortSignal } = {},
): Promise<readonly SourceOutcome[]> {
  const agent = await open(config, deps.nowMs);
  try {
    return await agent.once(deps.signal ?? AbortSignal.timeout(60_000));
  } finally {
    agent.close();
  }
}

/** Nothing is waited for between attempts: what would have been is told to `waits`. */
export function open(
  config: AgentConfig,
  nowMs?: () => number,
  waits: number[] = [],
): Promise<Agent> {
  const pause = async (ms: number, signal: AbortSignal) => {
    waits.push(ms);
    await setImmediate();
    signal.throwIfAborted();
  };
  return openAgent(config, { log, random: () => 0, pause, ...(nowMs ? { nowMs } : {}) });
}

/** The rows that were taken, of all batches, in order. */
export function rowsOf(taken: readonly { readonly text: string }[]): Record<string, string>[] {
  return taken.flatMap(({ text }) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, string>),
  );
}
