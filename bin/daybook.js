#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`daybook needs Node 20.19 or newer; this is ${process.versions.node}\n`);
  process.exit(2);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const entry = new URL('../dist/cli.js', import.meta.url);
if (!existsSync(fileURLToPath(entry))) {
  const built = spawnSync(
    process.execPath,
    [
      fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url)),
      '-p',
      'tsconfig.build.json',
    ],
    { cwd: root, stdio: ['ignore', 2, 2] },
  );
  if (built.status !== 0) {
    process.stderr.write('daybook is not built: run `npm ci && npm run build` in its folder\n');
    process.exit(1);
  }
}
await import(entry.href);
