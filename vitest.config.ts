import { defineConfig } from 'vitest/config';

const common = {
  testTimeout: 60_000,
  hookTimeout: 120_000,
  globalSetup: ['test/support/global-setup.ts'],
  pool: 'forks' as const,
  // By default one core is left idle; on two that is half of them.
  maxWorkers: '100%',
};

/** Tests of `node` whose every case is tried in `long`; `node` tries a choice of them. */
const THOROUGH = [
  'test/acceptance/exports.test.ts',
  'test/acceptance/same-bytes.test.ts',
  'test/acceptance/usage.test.ts',
  'test/sources/mongodb/lost-cursors.test.ts',
  'test/tenancy/forgotten-filter.test.ts',
];

/**
 * `node`: needs Node alone. `interop`: reads our files back with other programs. `long`: takes
 * minutes and other programs; `DAYBOOK_LONG=short` asks for fewer rounds.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/interop/**', 'test/long/**'],
        },
      },
      { test: { ...common, name: 'interop', include: ['test/interop/**/*.test.ts'] } },
      {
        test: {
          ...common,
          name: 'long',
          include: ['test/long/**/*.test.ts', ...THOROUGH],
          env: { DAYBOOK_THOROUGH: 'yes' },
          testTimeout: 20 * 60_000,
        },
      },
    ],
  },
});
