/** The files of a project made from an example, as text by path; nothing is written here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Example, exampleFiles } from './examples.js';
import type { OwnPackage } from './ownPackage.js';
import type { OwnSource } from './ownSource.js';

const tsconfig = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ['**/*.ts'],
  exclude: ['node_modules'],
};

const gitignore = ['node_modules/', '.segno/', 'out/', '.env', ''].join('\n');

/** npm would link a folder; the workflow's bundle needs one copy of each package. */
const npmrc =
  '# segno comes from a folder: install it as a copy, with the packages of this project\ninstall-links=true\n';

/** @param name the project's name, as npm takes it */
export function newProject(example: Example, name: string, own: OwnPackage, source: OwnSource): Map<string, string> {
  const files = new Map(
    exampleFiles(example).map((path) => [path, readFileSync(join(example.dir, path), 'utf8')] as const),
  );
  const readme = files.get('README.md');
  if (readme !== undefined) files.set('README.md', inItsOwnFolder(readme, example.name));
  const sources = [...files].filter(([path]) => path.endsWith('.ts')).map(([, text]) => text);
  files.set('package.json', json(manifest(example, name, sources, own, source)));
  files.set('tsconfig.json', json(tsconfig));
  files.set('.gitignore', gitignore);
  if (source.isFolder) files.set('.npmrc', npmrc);
  return files;
}

/**
 * In the repository, commands are given from its root, links lead to pages that are not in the package, and comments tell its
 * tests what a snippet takes for granted.
 */
function inItsOwnFolder(readme: string, example: string): string {
  return readme
    .replaceAll(`examples/${example}/`, '')
    .replace(/\[([^\]]+)\]\(\.\.\/[^)]*\)/g, '$1')
    .replace(/<!-- given\b[\s\S]*?-->\n+/g, '');
}

function manifest(
  example: Example,
  name: string,
  sources: readonly string[],
  own: OwnPackage,
  { spec }: OwnSource,
): object {
  const imported = packagesIn(sources).filter((used) => used !== 'segno');
  const { scripts } = example;
  const tools = ['typescript', '@types/node', ...imported.map((used) => `@types/${used}`)];
  const runsSources = Object.values(scripts).some((script) => /\btsx\b/.test(script));
  const versions = { ...own.devDependencies, ...own.dependencies };
  const atVersion = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.flatMap((used) => (versions[used] === undefined ? [] : [[used, versions[used]]])).sort());
  return {
    name,
    private: true,
    type: 'module',
    scripts: { dev: 'segno dev', check: 'tsc -p .', ...scripts },
    dependencies: { segno: spec, ...atVersion(imported) },
    devDependencies: atVersion([...tools, ...(runsSources ? ['tsx'] : [])]),
  };
}

/** Names of the npm packages that sources import; Node's own modules and files beside them are none. */
export function packagesIn(sources: readonly string[]): string[] {
  const imports = /^(?:import|export)\s+(?:[\w$*{},\s]+\sfrom\s+)?['"]((?:@[\w.-]+\/)?\w[\w.-]*)(?:\/[^'"]*)?['"]/gm;
  const names = sources.flatMap((text) => [...text.matchAll(imports)].map(([, name = '']) => name));
  return [...new Set(names)].filter((name) => name !== 'node').sort();
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
