import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { cacheBundle, readCachedBundle } from './bundleCache.js';
import { otherExports } from './otherExports.js';

const temporalWorkflow = dirname(createRequire(import.meta.url).resolve('@temporalio/workflow/package.json'));

export interface WorkflowBundle {
  code: string;
  /** What the user's modules export, without what is surely no workflow: what a plan may name. */
  workflows: readonly string[];
}

/** A module of this package, compiled or as source. */
function own(path: string): string {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
  return existsSync(`${file}.js`) ? `${file}.js` : `${file}.ts`;
}

/**
 * One bundle of the user's workflow modules, Segno's own workflows, and its interceptors (about a second).
 * Production builds it once and hands it to every worker: `createWorker({ workflowBundle })`.
 *
 * @param cacheDir where a bundle is kept and taken from as long as none of its source files has changed
 */
export async function bundleWorkflows(
  workflowPaths: readonly string[],
  { cacheDir }: { cacheDir?: string } = {},
): Promise<WorkflowBundle> {
  const sources = [own('workflows/services/index'), own('workflows/interceptors'), ...workflowPaths];
  const cached = cacheDir === undefined ? undefined : await readCachedBundle(cacheDir, sources);
  if (cached) return cached;
  const { code, workflows, files } = await build(workflowPaths);
  if (cacheDir !== undefined) await cacheBundle(cacheDir, sources, files, { code, workflows });
  return { code, workflows };
}

async function build(workflowPaths: readonly string[]): Promise<WorkflowBundle & { files: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'segno-bundle-'));
  let files: string[] = [];
  const workflows = new Set<string>();
  const others = new Map<string, readonly string[]>();
  try {
    const entry = join(folder, 'workflows.cjs');
    await writeFile(entry, entrySource([own('workflows/services/index'), ...workflowPaths]));
    const { code } = await bundleWorkflowCode({
      workflowsPath: entry,
      workflowInterceptorModules: [own('workflows/interceptors')],
      logger: new DefaultLogger('WARN'),
      webpackConfigHook: (config) => ({
        ...config,
        resolve: {
          ...config.resolve,
          extensionAlias: { '.js': ['.ts', '.js'], '.mjs': ['.mts', '.mjs'] },
          // The entry lies in a temporary folder, and two copies of Temporal's library in one bundle would not know each other.
          modules: [...(config.resolve?.modules ?? ['node_modules']), join(temporalWorkflow, '../..')],
          alias: { ...config.resolve?.alias, '@temporalio/workflow$': temporalWorkflow },
        },
        plugins: [
          ...(config.plugins ?? []),
          (compiler) => {
            compiler.hooks.compilation.tap('segno', (_, { normalModuleFactory }) => {
              normalModuleFactory.hooks.parser.for('javascript/auto').tap('segno', (parser) => {
                parser.hooks.program.tap('segno', (program) => {
                  others.set(parser.state.module.resource, otherExports(program));
                });
              });
            });
            compiler.hooks.afterCompile.tap('segno', ({ fileDependencies, modules, moduleGraph }) => {
              files = [...fileDependencies].filter((file) => !file.startsWith(folder));
              for (const module of modules) {
                const { resource = '' } = module as { resource?: string };
                if (!workflowPaths.includes(resource)) continue;
                const provided = moduleGraph.getProvidedExports(module);
                const known = others.get(resource) ?? [];
                if (!Array.isArray(provided)) continue;
                for (const name of provided) if (!known.includes(name)) workflows.add(name);
              }
            });
          },
        ],
      }),
    });
    return { code, workflows: [...workflows].sort(), files };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `export *` from several modules would drop a name that two of them export without a word. */
function entrySource(paths: readonly string[]): string {
  return `const all = {};
for (const exported of [${paths.map((path) => `require(${JSON.stringify(path)})`).join(', ')}]) {
  for (const [name, value] of Object.entries(exported)) {
    if (name in all && all[name] !== value) throw new Error('two workflow modules export ' + name);
    all[name] = value;
  }
}
module.exports = all;
`;
}
