import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 1 << 28;

/**
 * Runs a Python script over files with one JSON document on its stdout.
 * @throws Error when no Python here has openpyxl
 */
export async function python<Result>(script: string, ...files: string[]): Promise<Result> {
  const program = await pythonWithOpenpyxl();
  const { stdout } = await run(program, ['-c', script, ...files], { maxBuffer: MAX_OUTPUT_BYTES });
  return JSON.parse(stdout) as Result;
}

async function pythonWithOpenpyxl(): Promise<string> {
  for (const program of ['python3', '/usr/bin/python3']) {
    const works = await run(program, ['-c', 'import openpyxl']).then(
      () => true,
      () => false,
    );
    if (works) return program;
  }
  throw new Error('no python3 with openpyxl: apt-get install python3-openpyxl');
}

/**
 * Opens a file in LibreOffice and saves it in another format.
 * @param filter as `--convert-to` takes it, such as `fods`
 */
export async function libreOffice(
  file: string,
  filter: string,
  ...options: string[]
): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-office-'));
  try {
    const profile = `-env:UserInstallation=file://${folder}/profile`;
    const out = join(folder, 'out');
    await run('soffice', [
      profile,
      '--headless',
      ...options,
      '--convert-to',
      filter,
      '--outdir',
      out,
      file,
    ]);
    // A sheet of its own gets a name of its own, so the name is not known before.
    const [made] = await readdir(out);
    if (made === undefined) throw new Error(`LibreOffice made nothing of ${file}`);
    return await readFile(join(out, made));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes bytes to a file of its own for as long as the work lasts. */
export async function withFile<Result>(
  name: string,
  bytes: Uint8Array | string,
  work: (path: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-file-'));
  try {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return await work(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
