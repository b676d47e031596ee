import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

/** Where a secret stands: never in the configuration itself. */
export type SecretPlace = { readonly env: string } | { readonly file: string };

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute; relative paths of the configuration start here. */
  readonly folder: string;
}

/**
 * The secret, without the line break that editors put at a file's end.
 * @throws Error that says what is missing, never what was found
 */
export function readSecret(place: SecretPlace, surroundings: Surroundings): string {
  if ('env' in place) {
    const found = surroundings.environment[place.env];
    if (found === undefined || found === '')
      throw new Error(`there is no ${place.env} in the environment`);
    return found;
  }
  const path = absolute(place.file, surroundings.folder);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new Error(`${path} is empty`);
  return secret;
}

export function absolute(path: string, folder: string): string {
  return isAbsolute(path) ? path : resolve(folder, path);
}
