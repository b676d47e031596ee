import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { MailServerOrder, MailServerReport } from './mail-server-process.ts';

/** A real SMTP server in a process of its own, which outlives whoever talks to it. */
export interface MailServer {
  readonly port: number;
  /**
   * The server kills the process in the middle of a conversation: after so many other mails, when
   * the first bytes of DATA are there, or when it has all of it and has not answered yet.
   */
  killInData(of: Omit<MailServerOrder, 'kind'>): Promise<void>;
  /** Takes the order back. False: it is done already. */
  callOff(): Promise<boolean>;
  /** All that it took in full, in that order, whether its answer reached anybody or not. */
  taken(): Buffer[];
  /** How many of them. */
  count(): number;
  /** When it took the last one, UTC epoch ms. */
  lastAt(): number;
  close(): Promise<void>;
}

const PROCESS = fileURLToPath(new URL('./mail-server-process.ts', import.meta.url));

/** Must be closed. It answers each mail after up to `slowMs`, as real ones take their time. */
export async function startMailServer(
  folder: string,
  options: { readonly slowMs: number },
): Promise<MailServer> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', PROCESS, folder, String(options.slowMs)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let count = 0;
  let lastAt = 0;
  let onKilled: (() => void) | null = null;
  let onCalledOff: ((open: boolean) => void) | null = null;
  const port = await new Promise<number>((resolve, reject) => {
    child.once('close', () => reject(new Error('the mail server ended')));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const report = JSON.parse(line) as MailServerReport;
      if (report.kind === 'listens') resolve(report.port);
      else if (report.kind === 'killed') onKilled?.();
      else if (report.kind === 'called-off') onCalledOff?.(report.open);
      else {
        count += 1;
        lastAt = report.at;
      }
    });
  });
  const tell = (order: MailServerOrder | { kind: 'call-off' }) =>
    void child.stdin!.write(`${JSON.stringify(order)}\n`);
  return {
    port,
    killInData: (of) =>
      new Promise((resolve) => {
        onKilled = resolve;
        tell({ kind: 'kill', ...of });
      }),
    callOff: () =>
      new Promise((resolve) => {
        onCalledOff = resolve;
        tell({ kind: 'call-off' });
      }),
    taken: () =>
      readdirSync(folder)
        .sort()
        .map((name) => readFileSync(join(folder, name))),
    count: () => count,
    lastAt: () => lastAt,
    async close() {
      child.stdin!.end();
      await ended;
    },
  };
}
