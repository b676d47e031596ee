import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withHomeLock } from '../../../src/store/embedded/home-lock.ts';
import { ownIdentity, writeIdentity } from '../../../src/store/embedded/process-identity.ts';
import { freshHome } from '../../support/embedded.ts';

const DEAD = JSON.stringify({ pid: 2 ** 22 + 1, born: '1' });

/** How many held the lock at the same time, at most, and how many had it. */
async function contend(folder: string, contenders: number) {
  let [holding, most, had] = [0, 0, 0];
  await Promise.all(
    Array.from({ length: contenders }, () =>
      withHomeLock(folder, async () => {
        most = Math.max(most, ++holding);
        await new Promise((resolve) => setImmediate(resolve));
        holding -= 1;
        had += 1;
      }),
    ),
  );
  return { most, had };
}

describe('the lock of a home', () => {
  it('is held by one at a time and given to everybody', async () => {
    expect(await contend(freshHome(), 8)).toEqual({ most: 1, had: 8 });
  });

  it('of a dead process is broken once, and still held by one at a time', async () => {
    const folder = freshHome();
    writeFileSync(join(folder, 'lock'), DEAD);
    expect(await contend(folder, 8)).toEqual({ most: 1, had: 8 });
  });

  it('that was never written to its end is broken when it is old', async () => {
    const folder = freshHome();
    writeFileSync(join(folder, 'lock'), '');
    utimesSync(join(folder, 'lock'), 1, 1);
    expect(await contend(folder, 2)).toEqual({ most: 1, had: 2 });
  });

  it('is broken also after a process died while breaking it', async () => {
    const folder = freshHome();
    writeFileSync(join(folder, 'lock'), DEAD);
    mkdirSync(join(folder, 'lock.breaking'));
    utimesSync(join(folder, 'lock.breaking'), 1, 1);
    expect(await contend(folder, 2)).toEqual({ most: 1, had: 2 });
  });

  it('of a process whose id another one bears now is broken', async () => {
    const folder = freshHome();
    const { pid, born } = ownIdentity();
    if (born === null) return;
    writeFileSync(join(folder, 'lock'), writeIdentity({ pid, born: `${born}0` }));
    expect(await contend(folder, 1)).toEqual({ most: 1, had: 1 });
  });

  it('is given back when the work throws', async () => {
    const folder = freshHome();
    const failing = withHomeLock(folder, async () => {
      throw new Error('mine');
    });
    await expect(failing).rejects.toThrow('mine');
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });
});
