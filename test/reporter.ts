/**
 * Says why tests were skipped, and closes with one line a script can read: `N passed, N failed`.
 *
 * Invariants:
 * 1. In CI (`CI` set) a skipped test is a failed one: what was not run has not passed.
 * 2. A test file that could not be loaded, and an error outside any test, count as one failure each.
 * 3. The closing line is the reporter's last; with `SEGNO_TEST_COUNTS` set, the same counts go to that file as JSON, with
 *    what failed and why, so that a run of several suites can close with it.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface Failure {
  readonly name: string;
  readonly message: string;
}

export interface Skip {
  readonly name: string;
  readonly reason: string;
}

/** Turns what ran into the figures of the closing line. */
export function countTests(
  results: readonly { state: string; name: string; note?: string | undefined }[],
  brokenFiles: number,
  options: { skipsFail: boolean },
): { counts: TestCounts; skips: Skip[] } {
  const skips = results
    .filter((one) => one.state === 'skipped' || one.state === 'pending')
    .map((one) => ({ name: one.name, reason: one.note ?? 'no reason given' }));
  const passed = results.filter((one) => one.state === 'passed').length;
  const failed = results.filter((one) => one.state === 'failed').length;
  return {
    counts: { passed, failed: failed + brokenFiles + (options.skipsFail ? skips.length : 0), skipped: skips.length },
    skips,
  };
}

const colours = /\u001b\[[0-9;]*m/g;

const fullName = (test: TestCase): string => `${test.module.relativeModuleId} > ${test.fullName}`;

function resultOf(test: TestCase): { state: string; name: string; note: string | undefined } {
  const result = test.result();
  return { state: result.state, name: fullName(test), note: result.state === 'skipped' ? result.note : undefined };
}

const messagesOf = (errors: readonly unknown[]): string =>
  errors
    .map((error) => (error as { stack?: string; message?: string } | null)?.stack ?? String(error))
    .join('\n')
    .replaceAll(colours, '');

const failuresOf = (tests: readonly TestCase[]): Failure[] =>
  tests
    .filter((test) => test.result().state === 'failed')
    .map((test) => ({ name: fullName(test), message: messagesOf(test.result().errors ?? []) }));

/** A file that failed although none of its tests did: a syntax error, a failing import or hook. */
function isBroken(module: TestModule, tests: readonly TestCase[]): boolean {
  return module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed');
}

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const skipsFail = Boolean(process.env['CI']);
    const results: ReturnType<typeof resultOf>[] = [];
    const failures: Failure[] = unhandledErrors.map((error) => ({
      name: 'outside any test',
      message: messagesOf([error]),
    }));
    let broken = unhandledErrors.length;
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      results.push(...tests.map(resultOf));
      failures.push(...failuresOf(tests));
      if (!isBroken(module, tests)) continue;
      broken += 1;
      failures.push({ name: module.relativeModuleId, message: messagesOf(module.errors()) });
    }
    const { counts, skips } = countTests(results, broken, { skipsFail });
    if (skipsFail) failures.push(...skips.map(({ name, reason }) => ({ name, message: `skipped: ${reason}` })));
    for (const skip of skips) console.log(`skipped: ${skip.name}: ${skip.reason}`);
    if (skipsFail && skips.length > 0) console.log('In CI a skipped test counts as failed.');
    if (counts.failed > 0) process.exitCode = 1;
    const countsFile = process.env['SEGNO_TEST_COUNTS'];
    if (countsFile) writeFileSync(countsFile, JSON.stringify({ ...counts, failures }));
    console.log(`${counts.passed} passed, ${counts.failed} failed`);
  }
}
