import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SMTPServer } from 'smtp-server';

/** What {@link startMailServer} starts. Orders come on stdin, reports go to stdout, a line each. */

export interface MailServerOrder {
  readonly kind: 'kill';
  readonly pid: number;
  /** Mails that are let through before. */
  readonly after: number;
  readonly at: 'first-bytes' | 'before-answer';
}

export type MailServerReport =
  | { readonly kind: 'listens'; readonly port: number }
  | { readonly kind: 'took'; readonly at: number }
  | { readonly kind: 'killed' }
  | { readonly kind: 'called-off'; readonly open: boolean };

const [folder, slowMs] = process.argv.slice(2);
const report = (what: MailServerReport) => process.stdout.write(`${JSON.stringify(what)}\n`);
let order: MailServerOrder | null = null;
let left = 0;
let taken = 0;

/** Told of each mail at both moments. */
function reach(at: MailServerOrder['at']): void {
  if (order === null || at !== order.at) return;
  left -= 1;
  if (left >= 0) return;
  const { pid } = order;
  order = null;
  try {
    process.kill(pid, 'SIGKILL');
    report({ kind: 'killed' });
  } catch {
    report({ kind: 'called-off', open: true });
  }
}

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  onData(stream, _, done) {
    const chunks: Buffer[] = [];
    stream.once('data', () => reach('first-bytes'));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    // Of one that was cut off: it is not taken.
    stream.on('error', () => {});
    stream.on('end', () => {
      const name = `${String(taken++).padStart(6, '0')}.eml`;
      writeFileSync(join(folder, name), Buffer.concat(chunks));
      setTimeout(() => {
        reach('before-answer');
        report({ kind: 'took', at: Date.now() });
        done();
      }, Math.random() * Number(slowMs));
    });
  },
});
server.on('error', () => {});
server.listen(0, '127.0.0.1');
await once(server.server, 'listening');
report({ kind: 'listens', port: (server.server.address() as { port: number }).port });

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const told = JSON.parse(line) as MailServerOrder | { kind: 'call-off' };
    if (told.kind === 'kill') {
      order = told;
      left = told.after;
    } else {
      report({ kind: 'called-off', open: order !== null });
      order = null;
    }
  })
  .on('close', () => process.exit(0));
