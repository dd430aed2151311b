import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { SegnoError } from '../../core/errors.js';
import { type Example, listExamples } from '../examples.js';
import { newProject } from '../newProject.js';
import { colours, printJson, table } from '../output.js';
import { ownPackage } from '../ownPackage.js';
import { ownSource } from '../ownSource.js';

interface Flags {
  json: boolean;
}

export function examplesCommand(): Command {
  return new Command('examples')
    .description('list the examples a project can start from')
    .option('--json', 'print JSON', false)
    .addHelpText('after', '\nExamples:\n  $ segno examples\n  $ segno examples --json | jq -r .[].name')
    .action(({ json }: Flags) => {
      const examples = listExamples(ownPackage().dir).map(({ name, summary, patterns }) => ({
        name,
        summary,
        patterns,
      }));
      if (json) return printJson(examples);
      const rows = examples.map(({ name, summary, patterns }) => [name, patterns.join(', '), summary]);
      process.stdout.write(
        `${table(['EXAMPLE', 'PATTERNS', 'WHAT IT DOES'], rows)}\n\n\`segno init EXAMPLE\` starts a project from one.\n`,
      );
    });
}

export function initCommand(): Command {
  return new Command('init')
    .description('start a project from an example')
    .argument('<example>', 'its name, see `segno examples`')
    .argument('[folder]', "the project's folder, new or empty (default: the example's name)")
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ segno init content-pipeline\n  $ segno init investor-report reports\n  $ npx segno init collect-and-aggregate .    into this folder, if it is empty',
    )
    .action(initProject);
}

async function initProject(name: string, folder: string | undefined, { json }: Flags): Promise<void> {
  const own = ownPackage();
  const example = findExample(listExamples(own.dir), name);
  const target = resolve(folder ?? example.name);
  await refuseUsed(target);
  const files = newProject(example, projectName(target, example.name), own, ownSource(own, target));
  for (const [path, text] of files) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await writeFile(join(target, path), text);
  }
  const paths = [...files.keys()].sort();
  if (json) return printJson({ example: example.name, dir: target, files: paths });
  const c = colours(process.stdout);
  const below = relative(process.cwd(), target);
  const there = below.startsWith('..') ? target : below;
  const next = [...(there === '' ? [] : [`cd ${there}`]), 'npm install', 'npm run check'];
  process.stdout.write(
    `${c.green('Created')} ${target} (${paths.length} files)\n\nNext:\n${next.map((line) => `  ${line}`).join('\n')}\n\nREADME.md says how to run it.\n`,
  );
}

/** @throws SegnoError `Example.Unknown` */
function findExample(examples: readonly Example[], name: string): Example {
  const found = examples.find((example) => example.name === name);
  if (found) return found;
  const known = examples.map((example) => example.name).join(', ') || 'none';
  throw new SegnoError('Example.Unknown', `no example is named ${name}; there are: ${known}`);
}

/** A folder that only git knows of is as good as empty. */
async function refuseUsed(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new SegnoError('Project.NotEmpty', `${folder} cannot be used (${error.code ?? error.message})`);
  });
  const found = entries.filter((entry) => entry !== '.git');
  if (found.length === 0) return;
  const named = found.slice(0, 3).join(', ');
  throw new SegnoError('Project.NotEmpty', `${folder} is not empty: it holds ${named}${found.length > 3 ? ', …' : ''}`);
}

/** npm takes lower-case letters, digits and . _ - only. */
function projectName(folder: string, example: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
    .slice(0, 200);
  return name === '' || name === 'segno' || name === 'node_modules' ? example : name;
}
