import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

/**
 * Real files for tests stand beside the repository, never in it. Elsewhere the tests that need
 * them are skipped; where `CI=true` a missing file fails.
 */
export const hasSharedData = existsSync(FOLDER) || process.env.CI === 'true';

export function sharedData(path: string): string {
  return `${FOLDER}${path}`;
}
