import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

const suite = `
import { expect, it } from 'vitest';
it('holds', () => expect(1).toBe(1));
it('needs something', (context) => context.skip('there is no such thing here'));
`;

interface Ended {
  readonly code: number;
  readonly lines: readonly string[];
}

describe('the closing line of a test run', { timeout: 60_000 }, () => {
  let tree: string;

  const runSuite = (env: Record<string, string>): Promise<Ended> =>
    new Promise((resolve) => {
      const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', tree];
      const reporter = ['--reporter', join(root, 'test/reporter.ts')];
      const childEnv = { ...process.env, CI: '', SEGNO_TEST_COUNTS: '', ...env };
      execFile(process.execPath, [...args, ...reporter], { cwd: tree, env: childEnv }, (error, stdout) => {
        resolve({ code: error ? Number(error.code) : 0, lines: stdout.trim().split('\n') });
      });
    });

  beforeAll(async () => {
    tree = await mkdtemp(join(tmpdir(), 'segno-reporter-'));
    await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
    await mkdir(join(tree, 'test'));
    await writeFile(join(tree, 'test/some.test.ts'), suite);
  });

  afterAll(() => rm(tree, { recursive: true, force: true }));

  it('gives the reason of a skip, which at a desk fails nothing', async () => {
    const { code, lines } = await runSuite({});
    expect(lines).toContain('skipped: test/some.test.ts > needs something: there is no such thing here');
    expect(lines.at(-1)).toBe('1 passed, 0 failed');
    expect(code).toBe(0);
  });

  it('counts a skip as a failure in CI', async () => {
    const { code, lines } = await runSuite({ CI: '1' });
    expect(lines.at(-1)).toBe('1 passed, 1 failed');
    expect(code).toBe(1);
  });

  it('counts a file that does not load as a failure, and writes the counts, what failed and why, where they are asked for', async () => {
    await writeFile(join(tree, 'test/broken.test.ts'), `throw new Error('no');`);
    const counts = join(tree, 'counts.json');
    const { code, lines } = await runSuite({ SEGNO_TEST_COUNTS: counts });
    expect(lines.at(-1)).toBe('1 passed, 1 failed');
    expect(code).toBe(1);
    expect(JSON.parse(await readFile(counts, 'utf8'))).toEqual({
      passed: 1,
      failed: 1,
      skipped: 1,
      failures: [{ name: 'test/broken.test.ts', message: expect.stringContaining('Error: no') as string }],
    });
  });
});
