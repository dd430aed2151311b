/**
 * Five suites in the order of their price. `npx vitest run --project unit` runs one of them.
 *
 * Invariants:
 * 1. `segno` and its entries are the built package (`npm run build` first), as a user gets them.
 * 2. Two files run at a time, one a core of the smallest machine we test on; suites of one order share the two.
 */
import { defineConfig } from 'vitest/config';

const built = (file: string): string => new URL(`./dist/${file}`, import.meta.url).pathname;

interface Suite {
  readonly name: string;
  readonly order: number;
  readonly testTimeoutMs: number;
  /** One Temporal and one ledger for all of its files. */
  readonly servers?: true;
  /** Its files leave nothing behind in their process, and load the modules only once. */
  readonly shared?: true;
}

const suites: readonly Suite[] = [
  { name: 'unit', order: 0, testTimeoutMs: 60_000, shared: true },
  { name: 'replay', order: 0, testTimeoutMs: 60_000 },
  { name: 'integration', order: 1, testTimeoutMs: 120_000, servers: true, shared: true },
  { name: 'chaos', order: 2, testTimeoutMs: 240_000 },
  { name: 'e2e', order: 2, testTimeoutMs: 300_000 },
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
      // Processes that tests start are the built ones, too: from source each takes seconds to compile.
      { find: /^.*\/entryPoint\.js$/, replacement: built('workers/embedded/entryPoint.js') },
    ],
  },
  test: {
    pool: 'forks',
    reporters: ['default', './test/reporter.ts'],
    projects: suites.map((suite) => ({
      extends: true,
      test: {
        name: suite.name,
        include: [`test/${suite.name}/**/*.test.ts`],
        testTimeout: suite.testTimeoutMs,
        hookTimeout: suite.testTimeoutMs,
        teardownTimeout: 20_000,
        maxWorkers: 2,
        sequence: { groupOrder: suite.order },
        ...(suite.shared && { isolate: false }),
        ...(suite.servers && { globalSetup: ['./test/globalSetup.ts'] }),
      },
    })),
  },
});
