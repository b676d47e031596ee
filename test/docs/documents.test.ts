import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { listReportKinds } from '../../src/reports/registry.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
}

const documents = ['README.md', 'CHANGELOG.md', 'bench/README.md', ...filesBelow('docs', '.md')];

describe('the documents', () => {
  it.each(documents)('%s links only to files that are there', (name) => {
    const text = readFileSync(join(ROOT, name), 'utf8');
    const broken = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
      .map((match) => join(dirname(join(ROOT, name)), match[1]))
      .filter((path) => !existsSync(path));
    expect(broken.map((path) => relative(ROOT, path))).toEqual([]);
  });

  it('list every decision in the index of decisions', () => {
    const index = readFileSync(join(ROOT, 'docs/adr/README.md'), 'utf8');
    for (const name of readdirSync(join(ROOT, 'docs/adr')).filter((each) => /^\d/.test(each))) {
      expect(index).toContain(`(${name})`);
    }
  });
});

describe('the README', () => {
  it('names only variables that the configuration reads', () => {
    const table = readme.slice(readme.indexOf('| variable |'), readme.indexOf('## In a container'));
    const names = [...table.matchAll(/`([A-Z][A-Z_]+)`/g)].map((match) => match[1]);
    expect(names.length).toBeGreaterThan(8);
    // What is read refuses nonsense, or shows up in the configuration.
    const plain = JSON.stringify(readConfig({}));
    for (const name of names) {
      const nonsense = readsDifferently(name, plain);
      expect(nonsense, name).toBe(true);
    }
  });

  it('lists every report and no other', () => {
    const table = readme.slice(readme.indexOf('## Reports'), readme.indexOf('## Your own data'));
    const listed = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
    expect(listed.sort()).toEqual(
      listReportKinds()
        .map((kind) => kind.name)
        .sort(),
    );
  });
});

function readsDifferently(name: string, plain: string): boolean {
  try {
    return JSON.stringify(readConfig({ [name]: '\u0000 no such thing' })) !== plain;
  } catch (error) {
    return (error as Error).message.includes(name);
  }
}

describe('the packages', () => {
  it('that src imports are installed in production too', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const imported = filesBelow('src', '.ts').flatMap((file) =>
      [
        ...readFileSync(join(ROOT, file), 'utf8').matchAll(
          /^(?:import|\} from) ?.*'([^'.][^']*)';$/gm,
        ),
      ]
        .map((match) => match[1])
        .filter((name) => !name.startsWith('node:'))
        .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')),
    );
    expect(imported).toContain('pg');
    for (const name of new Set(imported)) expect(Object.keys(dependencies)).toContain(name);
  });
});
