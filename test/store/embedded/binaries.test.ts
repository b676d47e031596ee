import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findBinaries } from '../../../src/store/embedded/binaries.ts';
import { freshHome } from '../../support/embedded.ts';

/** A package as npm leaves it when install scripts do not run: without its links. */
function fakePackage(): { native: string; shared: string; folder: string } {
  const top = freshHome();
  const native = join(top, 'package', 'native');
  mkdirSync(join(native, 'bin'), { recursive: true, mode: 0o700 });
  mkdirSync(join(native, 'lib'), { mode: 0o700 });
  writeFileSync(join(native, 'bin', 'postgres'), 'program', { mode: 0o700 });
  writeFileSync(join(native, 'lib', 'libx.so.1.2'), 'library', { mode: 0o600 });
  writeFileSync(join(top, 'package', 'package.json'), '{"version":"17.1.0"}');
  writeFileSync(
    join(native, 'pg-symlinks.json'),
    '[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"}]',
  );
  for (const name of ['shared', 'folder']) mkdirSync(join(top, name));
  return { native, shared: join(top, 'shared'), folder: join(top, 'folder') };
}

const SOMEBODY = { uid: 65534, gid: 65534 };
const ROOT = 'daybook-postgres-17.1.0';

describe('the programs', () => {
  it('run from their own package for ourselves, whose missing links are made', () => {
    const { native, folder, shared } = fakePackage();
    expect(findBinaries(folder, null, native, shared)).toEqual({
      postgres: join(native, 'bin', 'postgres'),
      initdb: join(native, 'bin', 'initdb'),
      major: '17',
    });
    expect(readFileSync(join(native, 'lib', 'libx.so.1'), 'utf8')).toBe('library');
    expect(readdirSync(shared)).toEqual([]);
  });

  it('for another account run from a copy that all may read and only we may write', () => {
    const { native, folder, shared } = fakePackage();
    const { postgres } = findBinaries(folder, SOMEBODY, native, shared);
    expect(postgres).toBe(join(shared, ROOT, 'native', 'bin', 'postgres'));
    expect(statSync(postgres).mode & 0o777).toBe(0o755);
    expect(statSync(join(shared, ROOT)).mode & 0o777).toBe(0o755);
    expect(statSync(join(shared, ROOT, 'native', 'lib', 'libx.so.1')).mode & 0o777).toBe(0o644);
  });

  it('are copied anew beside a copy that was cut short, which is never used', () => {
    const { native, folder, shared } = fakePackage();
    mkdirSync(join(shared, `${ROOT}.999`, 'native', 'bin'), { recursive: true });
    const { postgres } = findBinaries(folder, SOMEBODY, native, shared);
    expect(readFileSync(postgres, 'utf8')).toBe('program');
  });

  it('are copied anew when a cleaner of old files has taken some, and only then', () => {
    const { native, folder, shared } = fakePackage();
    const { postgres } = findBinaries(folder, SOMEBODY, native, shared);
    const { ino } = statSync(postgres);
    findBinaries(folder, SOMEBODY, native, shared);
    expect(statSync(postgres).ino).toBe(ino);
    rmSync(join(shared, ROOT, 'native', 'lib', 'libx.so.1.2'));
    findBinaries(folder, SOMEBODY, native, shared);
    expect(readFileSync(join(shared, ROOT, 'native', 'lib', 'libx.so.1'), 'utf8')).toBe('library');
    expect(readdirSync(shared)).toEqual([ROOT]);
  });

  it('are not taken from a folder that others may write', () => {
    const { native, folder, shared } = fakePackage();
    findBinaries(folder, SOMEBODY, native, shared);
    chmodSync(join(shared, ROOT), 0o777);
    expect(() => findBinaries(folder, SOMEBODY, native, shared)).toThrow(
      'is not a folder that only we may write; remove it',
    );
  });

  it.skipIf(process.getuid?.() === 0)(
    'run from a copy in the home where the package lacks links and is read-only',
    () => {
      const { native, folder, shared } = fakePackage();
      chmodSync(join(native, 'lib'), 0o500);
      const { postgres } = findBinaries(folder, null, native, shared);
      expect(postgres).toBe(join(folder, ROOT, 'native', 'bin', 'postgres'));
      expect(existsSync(join(folder, ROOT, 'native', 'lib', 'libx.so.1'))).toBe(true);
      expect(lstatSync(join(native, 'lib')).mode & 0o777).toBe(0o500);
      chmodSync(join(native, 'lib'), 0o700);
    },
  );
});
