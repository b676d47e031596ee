import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/**
 * Money is decimal text, whole numbers that are proven exact, or bigints: never a fraction in a
 * double. What carries money may neither parse nor format one, and no table or query may hold one.
 */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Files and folders that carry money. */
const CARRIES_MONEY = new RegExp(
  [
    '^src/(money|billing|sales)/',
    '^src/scheduler/(rating|reconcile)/',
    '^src/scheduler/(prove-money|describe-balances|send/tell-low-balances)',
    '^src/reports/(balances|reconciliation-scope|kinds/(billing|charges|statement|reconciliation))',
    '^src/store/(ledger|charge|rate|rating|money-|payers|plan-rules|low-balance|reconciliation)',
    '^src/store/(carrier-files|discount-policies|proposal|products)',
    '^src/ingest/((load|read)-rates|carrier-)',
    '^src/sources/postgres/read-charges',
    '^src/api/routes/(charges|ledger|rate-plans|reconciliation|discount-policies|proposals)',
    '^src/cli/(rate|ledger|reconcile)\\.',
    '^src/demo/demo-rates',
  ].join('|'),
);

const FRACTION = 'has a fraction as a number';
const FLOATS: Readonly<Record<string, RegExp>> = {
  'parses a float': /\bparseFloat\b|\bNumber\.parseFloat\b/,
  'formats a float': /\.toFixed\(|\.toPrecision\(/,
  [FRACTION]: /(?<![\w.'"`$-])\d+\.\d+(?![\w.'"`])/,
  'reads an amount as a number':
    /\bNumber\([^)]*\b(amount|balance|rate|fee|charge|price|sum)\w*\b(?!Seconds|_seconds)/i,
  'casts an amount to a float':
    /\b(amount|balance|rate|connect_fee|minimum_charge|maximum_charge|low_balance)\s*::\s*(float|double|real)/i,
};

const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .map((path) => `src/${path}`)
  .filter((path) => path.endsWith('.ts') && CARRIES_MONEY.test(path))
  .sort();

const WITHOUT_COMMENTS = /\/\*[\s\S]*?\*\/|\/\/.*/g;
const STRINGS = /'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;

const problemsIn = (path: string, text: string) => {
  const code = text.replace(WITHOUT_COMMENTS, ' ');
  return Object.entries(FLOATS)
    .filter(([what, pattern]) =>
      pattern.test(what === FRACTION ? code.replace(STRINGS, "''") : code),
    )
    .map(([what]) => `${path} ${what}`);
};

describe('money', () => {
  it('goes through no float in the files that carry it', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(
      files.flatMap((path) => problemsIn(path, readFileSync(join(ROOT, path), 'utf8'))),
    ).toEqual([]);
  });

  it('divides plain numbers in one place alone, where the quotient is proven exact', () => {
    const divides = files.filter((path) => {
      const code = readFileSync(join(ROOT, path), 'utf8')
        .replace(WITHOUT_COMMENTS, ' ')
        .replace(STRINGS, "''")
        .replace(/\/\^?[^/\n ][^/\n]*\/[a-z]*/g, "''");
      return /^src\/(money|billing)\//.test(path) && /[\w)\]] \/ [\w(]/.test(code);
    });
    // Seconds and days are divided too, and what a hash is made of; never money.
    expect(divides).toEqual([
      'src/billing/chargeable.ts',
      'src/billing/price-list.ts',
      'src/billing/rate-call.ts',
      'src/billing/reconcile/row-groups.ts',
      'src/billing/round-amount.ts',
      'src/billing/window-clock.ts',
      'src/money/decimal.ts',
    ]);
  });

  it('is no floating-point column of any table', () => {
    const sql = readdirSync(join(ROOT, 'migrations'))
      .filter((name) => name.endsWith('.sql'))
      .map((name) => readFileSync(join(ROOT, 'migrations', name), 'utf8'))
      .join('\n');
    expect(sql).not.toMatch(/^\s+\w+ (real|double precision|float\d?|money)\b/im);
  });

  it('would be found: the check sees what it looks for', () => {
    for (const code of [
      'parseFloat(amount)',
      'sum.toFixed(2)',
      'const vat = 0.19;',
      'Number(entry.amount)',
      'select amount::float8',
    ]) {
      expect(problemsIn('x.ts', code), code).not.toEqual([]);
    }
    expect(problemsIn('x.ts', `const text = '12.50'; const n = Number(seconds);`)).toEqual([]);
  });
});
