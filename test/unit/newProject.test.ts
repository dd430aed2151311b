import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { initCommand } from '../../cli/commands/init.js';
import { listExamples } from '../../cli/examples.js';
import { newProject, packagesIn } from '../../cli/newProject.js';
import { ownPackage } from '../../cli/ownPackage.js';
import { ownSource } from '../../cli/ownSource.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const examples = listExamples(root);
const own = ownPackage();
const source = { spec: '^1.2.3', isFolder: false };

describe('the examples that ship', () => {
  it('are described, every one of them', () => {
    const folders = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(examples.map(({ name }) => name)).toEqual(folders.map(({ name }) => name).sort());
  });

  it.each(examples)('$name uses the patterns it says', ({ dir, patterns }) => {
    const workflow = readFileSync(join(dir, 'workflow.ts'), 'utf8');
    const unused = patterns.filter((pattern) => !new RegExp(`\\b${pattern}\\b`).test(workflow));
    expect(unused).toEqual([]);
  });
});

describe('a project made from an example', () => {
  it.each(examples)('$name depends on all that its sources import, and on no more', (example) => {
    const files = newProject(example, 'mine', own, source);
    const manifest = JSON.parse(files.get('package.json') ?? '') as Record<string, Record<string, string>>;
    const sources = [...files].filter(([path]) => path.endsWith('.ts')).map(([, text]) => text);
    expect(Object.keys(manifest['dependencies'] ?? {}).sort()).toEqual(
      [...new Set(['segno', ...packagesIn(sources)])].sort(),
    );
    expect(manifest['dependencies']?.['segno']).toBe('^1.2.3');
  });

  it.each(examples)('$name has a README whose commands and links work there', (example) => {
    const readme = newProject(example, 'mine', own, source).get('README.md') ?? '';
    expect(readme).not.toMatch(/examples\/|\]\(\.\.\/|<!--/);
    const files = newProject(example, 'mine', own, source);
    const missing = [...readme.matchAll(/\b(?:input|sample)\/[\w-]+\.\w+/g)]
      .map(([path]) => path)
      .filter((path) => !files.has(path) && !(path.startsWith('sample/') && files.has('sample.ts')));
    expect(missing).toEqual([]);
  });
});

describe('the packages of sources', () => {
  it('are what imports name, whatever their form; files and Node’s own modules are none', () => {
    const source = [
      "import pg from 'pg';",
      "import { a,\n  b } from '@scope/name/part';",
      "export { c } from 'segno/tools';",
      "import type { D } from './d.js';",
      "import { join } from 'node:path';",
      'const text = \'import x from "nowhere"\';',
    ].join('\n');
    expect(packagesIn([source])).toEqual(['@scope/name', 'pg', 'segno']);
  });
});

describe('where a new project gets Segno from', () => {
  let folder: string;
  const installed = (spec: string, key = 'dependencies'): { dir: string; version: string } => {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ [key]: { segno: spec } }));
    return { dir: join(folder, 'node_modules', 'segno'), version: '1.2.3' };
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'segno-source-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['the registry', '~1.2.0', { spec: '^1.2.3', isFolder: false }],
    ['a file', 'file:packed/segno-1.2.3.tgz', { spec: 'file:../packed/segno-1.2.3.tgz', isFolder: false }],
    ['a folder', 'file:../segno', { spec: 'file:../../segno', isFolder: true }],
    ['an address', 'https://mirror.example/segno.tgz', { spec: 'https://mirror.example/segno.tgz', isFolder: false }],
  ])('is %s, when this one was taken from there', (_, spec, expected) => {
    expect(ownSource(installed(spec), join(folder, 'mine'))).toEqual(expected);
    expect(ownSource(installed(spec, 'devDependencies'), join(folder, 'mine'))).toEqual(expected);
  });

  it('is the registry, when nothing says where this one was taken from', () => {
    const global = { dir: join(folder, 'lib', 'node_modules', 'segno'), version: '1.2.3' };
    expect(ownSource(global, join(folder, 'mine'))).toEqual({ spec: '^1.2.3', isFolder: false });
  });

  it('is the folder it is worked on in, installed as a copy', () => {
    const target = join(folder, 'mine');
    const checkedOut = ownSource({ dir: join(folder, 'checkout'), version: '1.2.3' }, target);
    expect(checkedOut).toEqual({ spec: 'file:../checkout', isFolder: true });
    const files = newProject(examples[0]!, 'mine', own, checkedOut);
    expect(files.get('.npmrc')).toContain('install-links=true');
    expect(newProject(examples[0]!, 'mine', own, source).has('.npmrc')).toBe(false);
  });
});

describe('segno init', () => {
  let folder: string;
  const init = (...args: string[]): Promise<unknown> => initCommand().parseAsync(args, { from: 'user' });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'segno-init-'));
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  });

  it('writes the example with all a project needs, into a folder that is new', async () => {
    const target = join(folder, 'My Feedback');
    await init('collect-and-aggregate', target);
    expect(readdirSync(target)).toEqual(
      expect.arrayContaining([
        '.gitignore',
        'README.md',
        'agents.ts',
        'package.json',
        'segno.config.ts',
        'tsconfig.json',
      ]),
    );
    expect(readdirSync(join(target, 'input'))).toContain('survey.csv');
    expect(readdirSync(target)).not.toContain('example.json');
    expect(JSON.parse(readFileSync(join(target, 'package.json'), 'utf8'))).toMatchObject({ name: 'my-feedback' });
  });

  it('writes nothing over files', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    await expect(init('collect-and-aggregate', folder)).rejects.toMatchObject({
      type: 'Project.NotEmpty',
      message: expect.stringContaining('notes.txt') as string,
    });
    expect(readdirSync(folder)).toEqual(['notes.txt']);
  });

  it('names the examples there are when it does not know one', async () => {
    await expect(init('no-such-thing', join(folder, 'x'))).rejects.toMatchObject({
      type: 'Example.Unknown',
      message: expect.stringContaining('content-pipeline') as string,
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});
