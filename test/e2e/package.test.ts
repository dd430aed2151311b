/**
 * The package as a user gets it: packed, installed into an empty project, type-checked there, and run through `npx segno`
 * on the embedded stack with the offline model. Nothing in that project leads back to this repository.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

const project: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 'hello', private: true, type: 'module' }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: { target: 'es2023', module: 'nodenext', strict: true, noEmit: true, types: ['node'] },
    include: ['*.ts'],
  }),
  'agents.ts': `
import { defineAgent } from 'segno';
import { z } from 'zod';

export const greeter = defineAgent({
  instructions: 'Greet the person by name, in one sentence.',
  input: z.object({ name: z.string() }),
  output: z.object({ name: z.string().describe('the name of the person greeted'), greeting: z.string() }),
});
`,
  'workflow.ts': `
import { proxyAgents } from 'segno/workflow';

const { greeter } = proxyAgents<typeof import('./agents.js')>({ timeout: '1m' });

export async function hello(input: { name: string }): Promise<{ name: string; greeting: string }> {
  return greeter(input);
}
`,
  'segno.config.ts': `
import { defineConfig } from 'segno';
import * as agents from './agents.js';

export default defineConfig({ agents, workflows: './workflow.ts' });
`,
};

describe('the packed package', () => {
  let folder: string;

  const inProject = (file: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> =>
    run(file, args, { cwd: folder, env: withoutStack(), maxBuffer: 16 * 1024 * 1024 });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'segno-package-'));
    const packed = join(folder, 'packed');
    await mkdir(packed);
    // dist/ is built already and other processes may be using it, so nothing is built again here.
    await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', packed], { cwd: root });
    const [tarball] = await readdir(packed);
    for (const [file, text] of Object.entries(project)) await writeFile(join(folder, file), text);
    const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const tools = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`);
    await inProject('npm', 'i', '--prefer-offline', '--no-audit', '--no-fund', `./packed/${tarball}`, 'zod', ...tools);
  }, 240_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('holds no tests, and no sources but the examples’', async () => {
    const files = await readdir(join(folder, 'node_modules/segno'), { recursive: true });
    const odd = files.filter(
      (file) => !/node_modules|^examples\//.test(file) && /(?<!\.d)\.ts$|\.test\.|tsbuildinfo/.test(file),
    );
    expect(odd).toEqual([]);
    for (const wanted of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']) expect(files).toContain(wanted);
  });

  it('type-checks in a strict project, declarations included', async () => {
    const { stdout } = await inProject('npx', 'tsc', '-p', '.', '--pretty', 'false').catch(
      (error: unknown) => error as { stdout: string },
    );
    // Temporal's own declarations name a package it ships no types of (`ms`); that is not ours to mend.
    const faults = stdout.split('\n').filter((line) => /^\S.*error TS/.test(line) && !line.includes('/@temporalio/'));
    expect(faults).toEqual([]);
  });

  it('can be imported by every entry point', async () => {
    const manifest = JSON.parse(await readFile(join(folder, 'node_modules/segno/package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    };
    const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'));
    // Workflow code runs in Temporal's sandbox only.
    const names = entries.map((entry) => entry.replace('.', 'segno')).filter((name) => name !== 'segno/workflow');
    const script = names.map((name) => `await import('${name}');`).join('');
    await expect(inProject('node', '--input-type=module', '-e', script)).resolves.toBeDefined();
  });

  it('starts a project from each example that type-checks with the packages it names', async () => {
    const { stdout } = await inProject('npx', 'segno', 'examples', '--json');
    const wanted: Record<string, string> = {};
    for (const { name } of JSON.parse(stdout) as { name: string }[]) {
      await inProject('npx', 'segno', 'init', name, join('projects', name));
      const made = await readFile(join(folder, 'projects', name, 'package.json'), 'utf8');
      const { dependencies, devDependencies } = JSON.parse(made) as Record<string, Record<string, string>>;
      Object.assign(wanted, dependencies, devDependencies);
    }
    const { segno, ...packages } = wanted;
    expect(segno).toMatch(/^file:\.\.\/\.\.\/packed\/segno-.*\.tgz$/);
    const named = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
    await inProject('npm', 'i', '--prefer-offline', '--no-audit', '--no-fund', ...named);
    await writeFile(
      join(folder, 'projects/tsconfig.json'),
      JSON.stringify({ extends: './content-pipeline/tsconfig.json', include: ['**/*.ts'] }),
    );
    const checked = await inProject('npx', 'tsc', '-p', 'projects', '--pretty', 'false').catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(checked.stdout).toBe('');
  });

  it('runs such a project, with its tables in the ledger’s database', async () => {
    const { stdout } = await run(
      'npx',
      ['segno', 'run', 'content-pipeline', '--input', 'input/first-frost.md', '--deps', '{"userId":"noor"}', '--json'],
      { cwd: join(folder, 'projects/content-pipeline'), env: withoutStack() },
    );
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', output: { publication: { published: true } } });
  });

  it('runs a workflow with an agent from nothing but `npx segno run`', async () => {
    const { stdout } = await inProject('npx', 'segno', 'run', 'hello', '--input', '{"name":"Ada"}', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ name: 'Ada', greeting: expect.any(String) as string });
  });
});

/** No address of a running stack may leak in from the machine: the project is to bring up its own. */
function withoutStack(): NodeJS.ProcessEnv {
  const { TEMPORAL_ADDRESS: _temporal, DATABASE_URL: _ledger, ...rest } = process.env;
  return rest;
}
