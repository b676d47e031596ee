import { spawn } from 'node:child_process';

/** Runs psql with commands, each of its own; `\copy` works. Rejects with what it said. */
export async function psql(databaseUrl: string, commands: readonly string[]): Promise<void> {
  const child = spawn(
    'psql',
    ['-X', '-q', '-v', 'ON_ERROR_STOP=1', databaseUrl, ...commands.flatMap((c) => ['-c', c])],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PGTZ: 'UTC' } },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (error) =>
      reject(
        new Error(`psql does not start (${error.message}); the bench needs postgresql-client`),
      ),
    );
  });
  if (code !== 0) throw new Error(`psql ended with ${code}: ${said.trim()}`);
}
