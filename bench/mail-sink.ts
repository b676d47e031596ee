import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SMTPServer } from 'smtp-server';

/** An SMTP server in a process of its own that takes every mail in and keeps none. */
export interface MailSink {
  readonly port: number;
  /** Mails taken since it started. */
  count(): number;
  bytes(): number;
  /** When the last of them was taken, UTC epoch ms. */
  lastAt(): number;
  close(): Promise<void>;
}

const SELF = fileURLToPath(import.meta.url);

/** Must be closed. */
export async function startMailSink(): Promise<MailSink> {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', SELF], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let count = 0;
  let bytes = 0;
  let lastAt = 0;
  const lines = createInterface({ input: child.stdout! });
  const [first] = (await once(lines, 'line')) as [string];
  lines.on('line', (line) => {
    const [at, size] = line.split(' ').map(Number);
    count += 1;
    bytes += size;
    lastAt = at;
  });
  return {
    port: Number(first),
    count: () => count,
    bytes: () => bytes,
    lastAt: () => lastAt,
    async close() {
      child.stdin!.end();
      await once(child, 'close');
    },
  };
}

if (process.argv[1] === SELF) {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, _, done) {
      let size = 0;
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
      });
      stream.on('error', () => {});
      stream.on('end', () => {
        process.stdout.write(`${Date.now()} ${size}\n`);
        done();
      });
    },
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  process.stdout.write(`${(server.server.address() as { port: number }).port}\n`);
  process.stdin.resume().on('end', () => process.exit(0));
}
