import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** The layering of the design, as tables. A room is a folder of src/; its files see each other. */

const FOR_ALL = ['errors', 'config', 'log'];
const GROUND = ['time', 'money'];
const RULES = [...GROUND, 'reports', 'billing', 'sales', 'principals'];
const ADAPTERS = ['store', 'sources', 'cache', 'pool', 'delivery', 'ingest'];
const BELOW = [...RULES, 'secrets', 'mapping', ...ADAPTERS, 'bindings', 'connectors'];

/** Room → rooms it may import, besides itself and those for all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  time: [],
  money: [],
  principals: GROUND,
  reports: GROUND,
  billing: GROUND,
  sales: GROUND,
  secrets: [],
  store: RULES,
  sources: [...RULES, 'mapping'],
  cache: RULES,
  pool: RULES,
  delivery: RULES,
  mapping: RULES,
  ingest: [...RULES, 'secrets', 'mapping', 'store'],
  bindings: [...RULES, 'secrets', 'mapping', 'store', 'sources', 'delivery'],
  connectors: [...RULES, 'secrets', 'mapping', 'store', 'delivery', 'ingest'],
  demo: [...RULES, 'mapping', 'store', 'ingest'],
  agent: [...RULES, 'mapping', 'ingest', 'delivery'],
  scheduler: BELOW,
  api: BELOW,
  roles: [...BELOW, 'api', 'scheduler', 'demo'],
  cli: [...BELOW, 'agent', 'api', 'scheduler', 'demo', 'roles'],
};

/** Room → rooms of which it may see types: it is handed the database, and opens none. */
const MAY_SEE_TYPES_OF: Readonly<Record<string, readonly string[]>> = {
  sources: ['store'],
  cache: ['store'],
  pool: ['store'],
  delivery: ['store'],
};

/** Where processes and threads begin: they wire everything, and nothing imports them. */
const ENTRIES = ['cli.ts', 'main.ts', 'pool/thread.ts'];
const FOR_ALL_FILES = FOR_ALL.map((name) => `${name}.ts`);

/** What computes and does nothing else: path prefix → node modules and packages it may use. */
const PURE: Readonly<Record<string, readonly string[]>> = {
  'time/': [],
  'money/': [],
  'principals/': [],
  'billing/': [],
  'sales/': [],
  'pool/balancer': [],
  // Bytes in memory only; yauzl reads the small workbook that ExcelJS made.
  'reports/': [
    ...['exceljs', 'luxon', 'yauzl', 'zod'],
    ...['node:buffer', 'node:crypto', 'node:stream', 'node:stream/consumers'],
    // Of node:url what it computes of domains.
    ...['node:url', 'node:util', 'node:zlib'],
  ],
};

const IMPURE_EXPRESSIONS: Readonly<Record<string, RegExp>> = {
  'the clock': /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/,
  'the environment': /\bprocess\.env\b/,
  chance: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b/,
};

interface Import {
  /** Of a file of ours, relative to src/. */
  readonly path: string;
  /** `import type`: gone when the code runs. */
  readonly typesOnly: boolean;
}

interface SourceFile {
  /** Relative to src/, with slashes. */
  readonly path: string;
  readonly room: string;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
  /** Packages and node modules. */
  readonly packages: readonly string[];
}

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map((path) => parseSource(path, readFileSync(join(SRC, path), 'utf8')));

describe('src', () => {
  test('every file stands in a room that the table knows, or is an entry or for all', () => {
    const known = [...Object.keys(MAY_IMPORT), ...FOR_ALL_FILES, ...ENTRIES];
    expect(files.filter((file) => !known.includes(file.room)).map((file) => file.path)).toEqual([]);
  });

  test('imports go down, as the table says', () => {
    expect(files.flatMap(forbiddenImports)).toEqual([]);
  });

  test('pure rooms read no clock, environment or chance, and use no modules that reach outside', () => {
    expect(files.flatMap(impurities)).toEqual([]);
  });

  test('only config.ts reads the environment', () => {
    const readers = files.filter((file) => IMPURE_EXPRESSIONS['the environment'].test(file.code));
    expect(readers.map((file) => file.path)).toEqual(['config.ts']);
  });

  test('no file loads an entry', () => {
    const importers = files.filter((file) =>
      file.imports.some(({ path, typesOnly }) => !typesOnly && ENTRIES.includes(path)),
    );
    expect(importers.map((file) => file.path)).toEqual([]);
  });

  test('no file loads itself, not even over others', () => {
    expect(findCycle(files)).toBeNull();
  });

  test('every import of our own names a file that exists', () => {
    const paths = new Set(files.map((file) => file.path));
    const imports = files.flatMap((file) => file.imports.map(({ path }) => path));
    expect(imports.filter((path) => !paths.has(path))).toEqual([]);
  });
});

describe('the checks themselves', () => {
  test('see static, type-only, re-exporting, bare and dynamic imports, and none in comments', () => {
    const { imports, packages } = parseSource(
      'cache/parts.ts',
      `import type { A } from './a.ts';
       import {
         b,
       } from "../store/b.ts";
       export * from './c.ts'; // import x from './not-this.ts'
       import './d.ts';
       /* import y from './nor-this.ts'; */
       const e = await import('../time/e.ts');
       import pg from 'pg';
       import { z } from '@scope/name/deep';
       import fs from 'node:fs/promises';`,
    );
    expect(imports).toEqual([
      { path: 'cache/a.ts', typesOnly: true },
      { path: 'store/b.ts', typesOnly: false },
      { path: 'cache/c.ts', typesOnly: false },
      { path: 'cache/d.ts', typesOnly: false },
      { path: 'time/e.ts', typesOnly: false },
    ]);
    expect(packages).toEqual(['pg', '@scope/name', 'node:fs/promises']);
  });

  test('refuse an adapter that loads another, an arrow up, and a cycle, but not a type of the database', () => {
    const handed = parseSource('sources/a.ts', `import type { D } from '../store/database.ts';`);
    expect(forbiddenImports(handed)).toEqual([]);
    const cache = parseSource('cache/a.ts', `import '../store/b.ts'; import '../time/c.ts';`);
    expect(forbiddenImports(cache)).toEqual(['cache/a.ts imports store/b.ts']);
    const time = parseSource('time/c.ts', `import '../cache/a.ts'; import '../errors.ts';`);
    expect(forbiddenImports(time)).toEqual(['time/c.ts imports cache/a.ts']);
    expect(findCycle([cache, time])).toEqual(['cache/a.ts', 'time/c.ts', 'cache/a.ts']);
  });

  test('refuse a clock, the environment, chance, packages and node modules where all is pure', () => {
    const code = `import fs from 'node:fs'; import l from 'luxon';
      const url = 'http://x'; const now = new Date(); Date.now(); process.env.X; Math.random(); new Date(0);`;
    expect(impurities(parseSource('time/x.ts', code))).toEqual([
      'time/x.ts reads the clock',
      'time/x.ts reads the environment',
      'time/x.ts reads chance',
      'time/x.ts uses node:fs',
      'time/x.ts uses luxon',
    ]);
    expect(impurities(parseSource('pool/balancer-policy.ts', code))).toHaveLength(5);
    expect(impurities(parseSource('pool/dispatcher.ts', code))).toEqual([]);
  });
});

function forbiddenImports(file: SourceFile): string[] {
  if (ENTRIES.includes(file.path)) return [];
  const allowed = [...FOR_ALL_FILES, file.room, ...(MAY_IMPORT[file.room] ?? [])];
  const seen = MAY_SEE_TYPES_OF[file.room] ?? [];
  return file.imports
    .filter(({ path }) => !allowed.includes(roomOf(path)))
    .filter(({ path, typesOnly }) => !(typesOnly && seen.includes(roomOf(path))))
    .map(({ path }) => `${file.path} imports ${path}`);
}

function impurities(file: SourceFile): string[] {
  const prefix = Object.keys(PURE).find((start) => file.path.startsWith(start));
  if (prefix === undefined) return [];
  const read = Object.entries(IMPURE_EXPRESSIONS)
    .filter(([, expression]) => expression.test(file.code))
    .map(([what]) => `${file.path} reads ${what}`);
  const used = file.packages
    .filter((name) => !PURE[prefix].includes(name))
    .map((name) => `${file.path} uses ${name}`);
  return [...read, ...used];
}

/** The paths of one cycle, its first file again at the end. */
function findCycle(all: readonly SourceFile[]): string[] | null {
  const loadedBy = new Map(
    all.map(({ path, imports }) => [path, imports.filter((one) => !one.typesOnly)]),
  );
  const cleared = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (cleared.has(path)) return null;
    for (const next of loadedBy.get(path) ?? []) {
      const cycle = visit(next.path, [...trail, path]);
      if (cycle !== null) return cycle;
    }
    cleared.add(path);
    return null;
  };
  for (const { path } of all) {
    const cycle = visit(path, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

function parseSource(path: string, text: string): SourceFile {
  const code = withoutComments(text);
  const named = code.matchAll(
    /\b(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g,
  );
  const imports: Import[] = [];
  const packages: string[] = [];
  for (const [statement, from, bare] of named) {
    const specifier = from ?? bare;
    const target = posix.normalize(posix.join(dirname(path), specifier));
    if (!specifier.startsWith('.')) packages.push(packageOf(specifier));
    else imports.push({ path: target, typesOnly: /^\w+\s+type\b/.test(statement) });
  }
  return { path, room: roomOf(path), code, imports, packages };
}

function roomOf(path: string): string {
  return path.split('/')[0];
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Strings stay, so that a `//` in a URL does not count as a comment. */
function withoutComments(text: string): string {
  const stringOrComment =
    /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/.*|\/\*[\s\S]*?\*\//g;
  return text.replace(stringOrComment, (found) => (found.startsWith('/') ? ' ' : found));
}
