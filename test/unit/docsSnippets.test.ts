/**
 * Every TypeScript snippet in the documentation compiles against the project.
 *
 * A snippet without imports may use what Segno, zod and `@temporalio/workflow` export. What else it takes for granted stands
 * before it in a comment the reader does not see:
 *
 *     <!-- given
 *     declare const draft: string;
 *     async function example() {
 *     -->
 *
 * A last line that opens a block is closed behind the snippet. `// agents.ts` at the start of a line begins a file of that name;
 * a comment `<!-- given agents.ts` belongs to that file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = ['.', 'docs', 'deploy', 'examples'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: folder !== '.', encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
    .map((file) => join(folder, file)),
);

/** In the order of preference: `json` is the test kit's. */
const modules = ['segno', 'segno/workflow', 'segno/client', 'segno/worker', 'segno/testing', 'segno/tools'];
const exported = new Map<string, string>([
  ['z', 'zod'],
  ['patched', '@temporalio/workflow'],
  ['condition', '@temporalio/workflow'],
  ['sleep', '@temporalio/workflow'],
]);
for (const module of modules) {
  const entry = {
    segno: 'core',
    tools: 'activities/tools',
    workflow: 'workflows',
    client: 'client',
    worker: 'workers',
  };
  const folder = entry[(module.split('/')[1] ?? 'segno') as keyof typeof entry] ?? 'testing';
  const text = readFileSync(join(root, folder, 'index.ts'), 'utf8');
  for (const [, names = ''] of text.matchAll(/export (?:type )?\{([^}]*)\}/g)) {
    for (const name of names.split(',').map((part) => part.replace(/^\s*(type )?/, '').trim())) {
      if (name !== '' && !exported.has(name)) exported.set(name, module);
    }
  }
}

/** Imports for the exported names that `code` uses and does not declare itself. */
function imports(code: string): string {
  if (/^import /m.test(code)) return '';
  const words = new Set(code.match(/\b[A-Za-z_]\w*\b/g));
  const declares = (name: string): boolean =>
    new RegExp(
      `\\b(?:const|let|function|class|interface|type) ${name}\\b|\\bconst \\{[^}]*\\b${name}\\b[^}]*\\} =`,
    ).test(code);
  return [...exported]
    .filter(([name]) => words.has(name) && !declares(name))
    .map(([name, module]) => `import { ${name} } from '${module}';\n`)
    .join('');
}

interface Snippet {
  readonly name: string;
  /** File name → text. */
  readonly files: Record<string, string>;
}

function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(join(root, page), 'utf8');
  const pattern = /((?:<!-- given[\s\S]*?-->\s*)*)```ts\n([\s\S]*?)```/g;
  return [...text.matchAll(pattern)].map(([, givens = '', code = ''], index) => ({
    name: `${page}, snippet ${index + 1}`,
    files: filesOf(givens, code),
  }));
}

function filesOf(givens: string, code: string): Record<string, string> {
  const given = new Map(
    [...givens.matchAll(/<!-- given ?(\S*)\n([\s\S]*?)-->/g)].map(([, file = '', text = '']) => [file, text.trimEnd()]),
  );
  const files: Record<string, string> = {};
  for (const part of code.split(/^(?=\/\/ [\w./-]+\.ts\b)/m)) {
    if (part.trim() === '') continue;
    const file = /^\/\/ ([\w./-]+\.ts)\b/.exec(part)?.[1] ?? '';
    const before = given.get(file) ?? '';
    given.delete(file);
    const text = `${before}\n${part}\n${before.endsWith('{') ? '}' : ''}\n`;
    files[file === '' ? 'snippet.ts' : file] = `${imports(text)}${text}export {};\n`;
  }
  for (const [file, text] of given) if (file !== '') files[file] = `${imports(text)}${text}\nexport {};\n`;
  return files;
}

const snippets = pages.flatMap(snippetsOf);
const folderOf = (index: number): string => join(root, `snippet-${index}`);

/** One program for all: the project's own types are read once. */
function compile(): Map<string, string[]> {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, { ...ts.sys, readDirectory: () => [] }, root);
  const virtual = new Map(
    snippets.flatMap(({ files }, index) =>
      Object.entries(files).map(([file, text]) => [join(folderOf(index), file), text] as const),
    ),
  );
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile, directoryExists } = host;
  host.fileExists = (path) => virtual.has(path) || fileExists.call(host, path);
  host.readFile = (path) => virtual.get(path) ?? readFile.call(host, path);
  host.directoryExists = (path) => path.includes('/snippet-') || (directoryExists?.call(host, path) ?? true);
  host.getSourceFile = (path, language, ...rest) => {
    const text = virtual.get(path);
    return text === undefined
      ? getSourceFile.call(host, path, language, ...rest)
      : ts.createSourceFile(path, text, language);
  };
  const program = ts.createProgram([...virtual.keys()], { ...options, verbatimModuleSyntax: false }, host);
  const faults = new Map<string, string[]>();
  for (const path of virtual.keys()) {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    const told = found.map(({ messageText, start = 0 }) => {
      const line = source?.text.slice(0, start).split('\n').length ?? 0;
      const text = source?.text.split('\n')[line - 1]?.trim();
      return `${ts.flattenDiagnosticMessageText(messageText, '\n')} — in: ${text}`;
    });
    faults.set(path, told);
  }
  return faults;
}

describe('the documentation’s code', () => {
  const faults = compile();

  it('is found', () => {
    expect(snippets.length).toBeGreaterThan(5);
  });

  it.each(snippets.map(({ name, files }, index) => ({ name, index, files: Object.keys(files) })))(
    'compiles: $name',
    ({ index, files }) => {
      expect(files.flatMap((file) => faults.get(join(folderOf(index), file)) ?? [])).toEqual([]);
    },
  );
});
