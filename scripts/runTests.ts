/**
 * `npm run verify`, `npm test` and `npm run test:chaos:full`: the static checks, then Vitest, then one closing line
 * `N passed, N failed`, in which each static check counts as one test.
 *
 * Invariants:
 * 1. A failing check never hides the next one; only a failed build ends the run, since everything after it would be noise.
 * 2. What failed is named once more right above the closing line: the log of the tests is long, and often only its end is kept.
 * 3. The exit code is 0 only if nothing failed and Vitest said how much it ran.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

interface Check {
  readonly name: string;
  /** Run one after the other; the first that fails ends the check. */
  readonly commands: readonly Command[];
}

interface Failure {
  readonly name: string;
  readonly message: string;
}

interface Outcome {
  readonly passed: boolean;
  readonly output: string;
}

/** One start of Vitest. */
interface Suites {
  readonly projects: readonly string[];
  /** Only the files whose paths begin so. */
  readonly paths?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Tests {
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly Failure[];
}

interface Plan {
  readonly checks: readonly Check[];
  readonly runs: readonly Suites[];
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), 'segno-test-'));
const tool = (name: string, ...args: string[]): Command => ({ file: join(root, 'node_modules/.bin', name), args });
const script = (file: string, ...args: string[]): Command => ({ file: process.execPath, args: [file, ...args] });

const build: Check = { name: 'build', commands: [script('scripts/build.js')] };

const staticChecks: readonly Check[] = [
  { name: 'types', commands: [tool('tsc', '-p', 'tsconfig.json', '--noEmit')] },
  { name: 'lint', commands: [tool('eslint', '.', '--max-warnings', '0')] },
  { name: 'format', commands: [tool('prettier', '--check', '--log-level', 'warn', '.')] },
  { name: 'boundaries', commands: [tool('depcruise', '--config', '.dependency-cruiser.mjs', '.')] },
  { name: 'dead code', commands: [tool('knip', '--no-progress')] },
];

/** The tarball as a user would install it; packed without scripts, because dist/ is built already and in use by tests. */
const packageCheck: Check = {
  name: 'package',
  commands: [
    { file: 'npm', args: ['pack', '--ignore-scripts', '--silent', '--pack-destination', scratch] },
    script('scripts/checkTarball.js', scratch),
  ],
};

const plans: Readonly<Record<string, Plan>> = {
  verify: { checks: staticChecks, runs: [{ projects: ['unit', 'replay'] }] },
  test: {
    checks: [...staticChecks, packageCheck],
    runs: [
      { projects: ['unit', 'replay', 'integration', 'chaos', 'e2e'] },
      // The gate through workers, once more on a real PostgreSQL; with chaos:full, whole runs, too.
      {
        projects: ['integration'],
        paths: ['test/integration/agents/gate'],
        env: { SEGNO_TEST_LEDGER: 'postgres' },
      },
    ],
  },
  'chaos:full': {
    checks: [],
    runs: [
      { projects: ['chaos'], env: { SEGNO_CHAOS: 'full' } },
      {
        projects: ['integration'],
        paths: ['faults', 'ledger/gateCrashes', 'deploys', 'effects', 'patterns/peers'].map(
          (path) => `test/integration/${path}`,
        ),
        env: { SEGNO_CHAOS: 'full' },
      },
      { projects: ['integration'], paths: ['test/integration/agents'], env: { SEGNO_TEST_LEDGER: 'postgres' } },
    ],
  },
};

function run(
  command: Command,
  options: { inherit: boolean; env?: Readonly<Record<string, string>> },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command.file, command.args, {
      cwd: root,
      stdio: options.inherit ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => resolve({ passed: false, output: error.message }));
    child.on('close', (code) => resolve({ passed: code === 0, output: Buffer.concat(chunks).toString() }));
  });
}

/** @returns the failure, if it failed */
async function runCheck(check: Check): Promise<Failure | undefined> {
  const startedMs = Date.now();
  let outcome: Outcome = { passed: true, output: '' };
  for (const command of check.commands) {
    outcome = await run(command, { inherit: false });
    if (!outcome.passed) break;
  }
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  console.log(`${outcome.passed ? '✓' : '✗'} ${check.name} (${seconds} s)`);
  if (outcome.passed) return undefined;
  console.log(outcome.output.trimEnd());
  return { name: check.name, message: outcome.output };
}

/** Two at a time: these are single-threaded, and two cores are what CI has. */
async function runChecks(checks: readonly Check[]): Promise<Failure[]> {
  const queue = [...checks];
  const failures: Failure[] = [];
  const lane = async (): Promise<void> => {
    for (let check = queue.shift(); check; check = queue.shift()) {
      const failure = await runCheck(check);
      if (failure) failures.push(failure);
    }
  };
  await Promise.all([lane(), lane()]);
  return failures;
}

async function runVitest({ projects, paths = [], env = {} }: Suites): Promise<Tests> {
  const countsFile = join(scratch, 'counts.json');
  rmSync(countsFile, { force: true });
  const settings = Object.entries(env).map(([variable, value]) => ` ${variable}=${value}`);
  console.log(`\nvitest: ${projects.join(', ')}${settings.join('')}`);
  const outcome = await run(tool('vitest', 'run', ...projects.flatMap((name) => ['--project', name]), ...paths), {
    inherit: true,
    env: { ...env, SEGNO_TEST_COUNTS: countsFile },
  });
  if (!existsSync(countsFile)) {
    console.log('Vitest ended without saying how many tests ran.');
    return { passed: 0, failed: 1, failures: [{ name: 'vitest', message: 'ended without saying how many tests ran' }] };
  }
  const counts = JSON.parse(readFileSync(countsFile, 'utf8')) as Tests;
  return { ...counts, failed: outcome.passed ? counts.failed : Math.max(counts.failed, 1) };
}

/** The first lines of each failure; the whole stands further up in the log. */
function recap(failures: readonly Failure[]): void {
  for (const { name, message } of failures) {
    console.log(`\n✗ ${name}`);
    for (const line of message.split('\n').slice(0, 12)) console.log(`    ${line.slice(0, 300)}`);
  }
}

async function main(): Promise<number> {
  const name = process.argv[2] ?? 'test';
  const plan = plans[name];
  if (!plan) {
    console.error(`Unknown plan ${name}. One of: ${Object.keys(plans).join(', ')}.`);
    return 2;
  }
  const broken = await runCheck(build);
  const failures = broken ? [broken] : await runChecks(plan.checks);
  let failed = failures.length;
  let passed = (broken ? 1 : 1 + plan.checks.length) - failed;
  for (const suites of broken ? [] : plan.runs) {
    const tests = await runVitest(suites);
    passed += tests.passed;
    failed += tests.failed;
    failures.push(...tests.failures);
  }
  recap(failures);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
process.exitCode = await main();
