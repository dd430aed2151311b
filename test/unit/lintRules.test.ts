/** The lint rules that keep workflows deterministic and promises awaited can fail. */
import { ESLint } from 'eslint';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const eslint = new ESLint({ cwd: fileURLToPath(new URL('../..', import.meta.url)) });

/** Rules that refuse `code`, were it the text of `file`; the file must exist, for its types. */
async function refusals(file: string, code: string): Promise<string[]> {
  const results = await eslint.lintText(code, { filePath: file });
  return results.flatMap((result) => result.messages.map((message) => message.ruleId ?? message.message));
}

describe('the linter', () => {
  // The first file loads the types of the whole project.
  beforeAll(() => refusals('core/errors.ts', ''), 120_000);

  it.each([
    ['workflows/failure.ts', `import 'node:fs';`, '@typescript-eslint/no-restricted-imports'],
    ['workflows/failure.ts', `import { z } from 'zod'; z;`, '@typescript-eslint/no-restricted-imports'],
    ['workflows/failure.ts', `export const e = process.env;`, 'no-restricted-globals'],
    ['workflows/failure.ts', `export const r = fetch('x');`, 'no-restricted-globals'],
    ['workflows/failure.ts', `export const t = (1).toLocaleString();`, 'no-restricted-syntax'],
    ['core/errors.ts', `export const b = Buffer.from('x');`, 'no-restricted-globals'],
    ['core/index.ts', `export * from './errors.js';`, 'no-restricted-syntax'],
    ['core/errors.ts', `async function f(): Promise<void> {} f();`, '@typescript-eslint/no-floating-promises'],
    ['core/errors.ts', `export const a: any = 1;`, '@typescript-eslint/no-explicit-any'],
    [
      'core/errors.ts',
      `import { ErrorType } from './errors.js'; export type T = ErrorType;`,
      '@typescript-eslint/consistent-type-imports',
    ],
    [
      'core/errors.ts',
      `export function f(x: 'a' | 'b'): void { switch (x) { case 'a': return; } }`,
      '@typescript-eslint/switch-exhaustiveness-check',
    ],
  ])('refuses in %s: %s', async (file, code, rule) => {
    expect(await refusals(file, code)).toContain(rule);
  });

  it('lets a workflow import types, read Temporal’s clock and call steps', async () => {
    const code = `
      import type { z } from 'zod';
      import { sleep } from '@temporalio/workflow';
      export async function f(): Promise<z.ZodType | number> { await sleep(1); return Date.now(); }
    `;
    expect(await refusals('workflows/failure.ts', code)).toEqual([]);
  });
});
