import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toFileError } from '../errors.ts';

/** Keys of this installation, all derived from one secret: one for each purpose, none for two. */
export interface InstallationKeys {
  /** 32 bytes. `parts` are bound to the purpose: other parts, another key. */
  keyFor(purpose: string, ...parts: readonly string[]): Buffer;
  /** HMAC-SHA256 under the key of a purpose. */
  sign(purpose: string, text: string): Buffer;
}

export function installationKeys(secret: string): InstallationKeys {
  const keyFor = (purpose: string, ...parts: readonly string[]) =>
    Buffer.from(hkdfSync('sha256', secret, 'daybook', JSON.stringify([purpose, ...parts]), 32));
  return {
    keyFor,
    sign: (purpose, text) => createHmac('sha256', keyFor(purpose)).update(text).digest(),
  };
}

/**
 * `DAYBOOK_SECRET`, or where none is needed, as in the demo, a random one that is kept in the home
 * folder. Several processes that come at once get the same one.
 */
export async function openInstallationKeys(
  home: string,
  given: string | null,
): Promise<InstallationKeys> {
  return installationKeys(given ?? (await keptSecret(home)));
}

async function keptSecret(home: string): Promise<string> {
  const path = join(home, 'link-secret');
  try {
    const kept = await readFile(path, 'utf8').catch(() => '');
    if (kept.length >= 32) return kept;
    await mkdir(home, { recursive: true });
    const beside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
    await writeFile(beside, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
    // Whoever links first wins; the others read what it wrote.
    await link(beside, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await rm(beside, { force: true });
    return await readFile(path, 'utf8');
  } catch (error) {
    throw toFileError(error, path);
  }
}
