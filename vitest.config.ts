/**
 * Five suites in the order of their price. `npx vitest run --project unit` runs one of them.
 *
 * Invariants:
 * 1. `segno` and its entries are the built package (`npm run build` first), as a user gets them.
 * 2. Suites that start servers run one file at a time: two Temporal servers on two cores measure each other.
 */
import { defineConfig } from 'vitest/config';

const built = (file: string): string => new URL(`./dist/${file}`, import.meta.url).pathname;

interface Suite {
  readonly name: string;
  readonly testTimeoutMs: number;
  readonly maxWorkers: number;
  /** One Temporal and one ledger for all of its files. */
  readonly servers?: true;
}

const suites: readonly Suite[] = [
  { name: 'unit', testTimeoutMs: 20_000, maxWorkers: 2 },
  { name: 'replay', testTimeoutMs: 60_000, maxWorkers: 2 },
  { name: 'integration', testTimeoutMs: 90_000, maxWorkers: 1, servers: true },
  { name: 'chaos', testTimeoutMs: 240_000, maxWorkers: 1 },
  { name: 'e2e', testTimeoutMs: 300_000, maxWorkers: 1 },
];

export default defineConfig({
  resolve: {
    alias: [
      { find: /^segno$/, replacement: built('core/index.js') },
      { find: /^segno\/workflow$/, replacement: built('workflows/index.js') },
      { find: /^segno\/worker$/, replacement: built('workers/index.js') },
      { find: /^segno\/client$/, replacement: built('client/index.js') },
      { find: /^segno\/testing$/, replacement: built('testing/index.js') },
      { find: /^segno\/tools$/, replacement: built('activities/tools/index.js') },
    ],
  },
  test: {
    pool: 'forks',
    reporters: ['default', './test/reporter.ts'],
    projects: suites.map((suite, order) => ({
      extends: true,
      test: {
        name: suite.name,
        include: [`test/${suite.name}/**/*.test.ts`],
        testTimeout: suite.testTimeoutMs,
        hookTimeout: suite.testTimeoutMs,
        teardownTimeout: 20_000,
        maxWorkers: suite.maxWorkers,
        fileParallelism: suite.maxWorkers > 1,
        sequence: { groupOrder: order },
        ...(suite.servers && { globalSetup: ['./test/globalSetup.ts'] }),
      },
    })),
  },
});
