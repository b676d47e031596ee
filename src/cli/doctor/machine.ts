import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unprivilegedAccount } from '../../store/embedded/account.ts';
import { findBinaries } from '../../store/embedded/binaries.ts';
import { type Check, check, fail, ok, warn } from './check.ts';

/** What the machine has to offer, before any database is asked. */

const LEAST_NODE = [20, 19] as const;
const LEAST_FREE_BYTES = 100 * 2 ** 20;
const FEW_FREE_BYTES = 2 * 2 ** 30;

export function checkNode(version: string): Promise<Check> {
  return check('node', () => {
    const [major, minor] = version.split('.').map(Number);
    const enough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
    return enough ? ok(version) : fail(`got ${version}; expected ${LEAST_NODE.join('.')} or newer`);
  });
}

export function checkHome(home: string): Promise<Check> {
  return check('home', () => {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const probe = join(home, `doctor-${process.pid}`);
    try {
      writeFileSync(probe, 'can write');
    } finally {
      rmSync(probe, { force: true });
    }
    const { bavail, bsize } = statfsSync(home);
    const free = bavail * bsize;
    const finding = `${home}, ${(free / 2 ** 30).toFixed(1)} GiB free`;
    if (free < LEAST_FREE_BYTES) return fail(`${finding}; expected 0.1 GiB or more`);
    return free < FEW_FREE_BYTES ? warn(`${finding}; 2 GiB or more are comfortable`) : ok(finding);
  });
}

export function checkBinaries(home: string): Promise<Check> {
  return check('embedded', () => {
    const account = unprivilegedAccount();
    const folder = join(home, 'postgres');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { postgres } = findBinaries(folder, account);
    return ok(account ? `${postgres}, run as user ${account.uid}` : postgres);
  });
}
