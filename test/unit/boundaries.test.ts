/** The import table can fail: each forbidden import below is found by its rule, and each allowed one is let through. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Violation {
  from: string;
  rule: { name: string };
}

/** A file of the fixture tree, the one line in it, and the rule that must refuse it. */
const forbidden: readonly (readonly [file: string, line: string, rule: string])[] = [
  ['core/readsFile.ts', `import 'node:fs';`, 'core-no-node'],
  ['core/usesTemporal.ts', `import type { Next } from '@temporalio/common';`, 'core-imports-packages'],
  ['core/usesLedger.ts', `import '../ledger/index.js';`, 'core-imports-houses'],
  ['core/evaluates.ts', `import '@marcbachmann/cel-js';`, 'cel-in-one-file'],
  ['workflows/callsActivity.ts', `import '../activities/callModel.js';`, 'workflows-imports-houses'],
  ['workflows/activityType.ts', `import type { X } from '../activities/callModel.js';`, 'workflows-imports-houses'],
  ['workflows/asksModel.ts', `import 'openai';`, 'workflows-imports-packages'],
  ['workflows/validates.ts', `import { z } from 'zod'; z;`, 'workflows-imports-types-only'],
  ['workflows/readsEnv.ts', `import 'node:process';`, 'workflows-no-node'],
  ['activities/runsWorkflow.ts', `import '../workflows/index.js';`, 'activities-imports-houses'],
  ['activities/opensDatabase.ts', `import 'pg';`, 'activities-imports-packages'],
  ['ledger/usesActivity.ts', `import '../activities/callModel.js';`, 'ledger-imports-houses'],
  ['ledger/asksModel.ts', `import 'openai';`, 'ledger-imports-packages'],
  ['workers/bundlesByImport.ts', `import type { W } from '../workflows/index.js';`, 'workers-imports-houses'],
  ['workers/asksModel.ts', `import 'openai';`, 'workers-imports-packages'],
  ['client/startsWorkflow.ts', `import { W } from '../workflows/index.js'; W;`, 'client-imports-types-only'],
  ['client/startsStack.ts', `import '../workers/index.js';`, 'client-imports-houses'],
  ['client/runsWorker.ts', `import '@temporalio/worker';`, 'client-imports-packages'],
  ['server/startsStack.ts', `import '../workers/index.js';`, 'server-imports-houses'],
  ['web/readsLedger.ts', `import type { L } from '../ledger/index.js';`, 'web-imports-houses'],
  ['web/coreValue.ts', `import { C } from '../core/index.js'; C;`, 'web-imports-types-only'],
  ['cli/callsActivity.ts', `import '../activities/callModel.js';`, 'cli-imports-houses'],
  ['cli/opensDatabase.ts', `import 'pg';`, 'cli-imports-packages'],
  ['testing/usesCli.ts', `import '../cli/main.js';`, 'testing-imports-houses'],
  ['core/usesTest.ts', `import '../test/kit.js';`, 'core-imports-houses'],
  ['core/usesHelpers.ts', `import '../helpers/x.js';`, 'no-unlisted-house'],
  ['core/a.ts', `import './b.js';`, 'no-cycles'],
  ['core/lost.ts', `import './nowhere.js';`, 'no-unresolvable'],
  ['workers/usesTestTool.ts', `import 'fast-check';`, 'no-dev-packages-in-product'],
  ['examples/one/reachesIn.ts', `import '../../core/errors.js';`, 'examples-use-public-entries'],
  ['examples/one/neighbour.ts', `import '../two/agents.js';`, 'examples-use-public-entries'],
  ['examples/one/byPath.ts', `import '../../core/index.js';`, 'examples-by-name'],
];

const allowed: readonly (readonly [file: string, line: string])[] = [
  ['core/index.ts', `import 'zod'; export const C = 1; export type C = 1;`],
  ['core/errors.ts', `export {};`],
  ['core/b.ts', `import './a.js';`],
  ['core/cel.ts', `import '@marcbachmann/cel-js';`],
  ['ledger/index.ts', `import 'pg'; import 'node:fs'; import '../core/errors.js'; export type L = 1;`],
  ['activities/callModel.ts', `import 'openai'; import '../ledger/index.js'; export type X = 1;`],
  ['activities/tools/index.ts', `import 'pdfkit'; export {};`],
  [
    'workflows/index.ts',
    `import '@temporalio/workflow'; import type { z } from 'zod'; import '../core/errors.js'; export class W { z?: z.ZodType }`,
  ],
  [
    'workers/index.ts',
    `import '@temporalio/worker'; import '../activities/callModel.js'; import '../ledger/index.js';`,
  ],
  [
    'client/index.ts',
    `import type { W } from '../workflows/index.js'; import '@temporalio/client'; export type V = W;`,
  ],
  ['server/index.ts', `import 'hono'; import '../client/index.js'; import '../ledger/index.js';`],
  ['web/index.ts', `import type { C } from '../core/index.js'; export type D = C;`],
  ['cli/main.ts', `import 'commander'; import '../workers/index.js'; import '../client/index.js';`],
  ['testing/index.ts', `import '../workers/index.js'; import '../workflows/index.js'; import 'node:fs';`],
  ['examples/two/agents.ts', `import 'segno'; import 'segno/tools'; import 'zod';`],
  [
    'examples/two/workflow.ts',
    `import 'segno/workflow'; import type * as a from './agents.js'; export type A = typeof a;`,
  ],
  ['helpers/x.ts', `export {};`],
  ['test/kit.ts', `import '../cli/main.js'; import 'fast-check';`],
];

describe('the import table', () => {
  let tree: string;
  let violations: readonly Violation[];

  beforeAll(async () => {
    tree = await mkdtemp(join(tmpdir(), 'segno-boundaries-'));
    for (const [file, line] of [...forbidden, ...allowed]) {
      await mkdir(dirname(join(tree, file)), { recursive: true });
      await writeFile(join(tree, file), `${line}\n`);
    }
    for (const file of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json'])
      await cp(join(root, file), join(tree, file));
    await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
    violations = await cruise(tree);
  }, 60_000);

  afterAll(() => rm(tree, { recursive: true, force: true }));

  it.each(forbidden)('refuses %s with `%s`', (file, _line, rule) => {
    expect(violations.filter((one) => one.from === file).map((one) => one.rule.name)).toContain(rule);
  });

  it('lets every allowed import through', () => {
    const inCycle = 'core/b.ts';
    const files = allowed.map(([file]) => file).filter((file) => file !== inCycle);
    expect(violations.filter((one) => files.includes(one.from))).toEqual([]);
  });
});

async function cruise(tree: string): Promise<readonly Violation[]> {
  const { stdout } = await run(
    process.execPath,
    [join(root, 'node_modules/.bin/depcruise'), '--config', '.dependency-cruiser.mjs', '--output-type', 'json', '.'],
    { cwd: tree, maxBuffer: 64 * 1024 * 1024 },
  );
  return (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
}
