import { type ChildProcess, spawn } from 'node:child_process';

/** Runs psql with commands, each of its own; `\copy` works. Rejects with what it said. */
export async function psql(databaseUrl: string, commands: readonly string[]): Promise<void> {
  const child = spawn(
    'psql',
    ['-X', '-q', '-v', 'ON_ERROR_STOP=1', databaseUrl, ...commands.flatMap((c) => ['-c', c])],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PGTZ: 'UTC' } },
  );
  await ended(child, 'psql');
}

/** One `\copy … to stdout` through a filter of the shell, such as `gzip -1`, into a file. */
export async function psqlThrough(
  databaseUrl: string,
  command: string,
  filter: string,
  out: string,
): Promise<void> {
  const line = `psql -X -q -v ON_ERROR_STOP=1 "$1" -c "$2" | ${filter} > "$3"`;
  const child = spawn('bash', ['-o', 'pipefail', '-c', line, 'bash', databaseUrl, command, out], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PGTZ: 'UTC' },
  });
  await ended(child, 'psql');
}

async function ended(child: ChildProcess, name: string): Promise<void> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (error) =>
      reject(
        new Error(`${name} does not start (${error.message}); the bench needs postgresql-client`),
      ),
    );
  });
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${said.trim()}`);
}
