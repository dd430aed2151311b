import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { register } from 'tsx/esm/api';
import { type ResolvedConfig, resolveConfig } from '../core/config.js';
import { SegnoError } from '../core/errors.js';

/** A user's project: its folder, its checked config, and its workflow modules. */
export interface Project {
  dir: string;
  configPath: string;
  config: ResolvedConfig;
  workflowPaths: string[];
  /** Name → path. */
  plans: ReadonlyMap<string, string>;
}

const configNames = ['ts', 'mts', 'js', 'mjs'].map((extension) => `segno.config.${extension}`);

/** The config file of `dir` or of the nearest folder above it. */
export function findConfig(dir: string): string | undefined {
  for (let folder = resolve(dir); ; folder = dirname(folder)) {
    const found = configNames.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found || dirname(folder) === folder) return found;
  }
}

/**
 * Load and check a project's config. TypeScript is read as it is.
 *
 * @throws SegnoError `Config.Missing`, `Config.Invalid`
 */
export async function loadProject(from: { dir: string } | { configPath: string }): Promise<Project> {
  const configPath = 'configPath' in from ? resolve(from.configPath) : findConfig(from.dir);
  if (!configPath || !existsSync(configPath)) {
    const where = 'dir' in from ? `in ${resolve(from.dir)} or above` : `at ${configPath}`;
    throw new SegnoError('Config.Missing', `there is no segno.config.ts ${where}`);
  }
  const module = (await importModule(configPath)) as { default?: unknown };
  if (module.default === undefined) {
    throw new SegnoError('Config.Invalid', `${configPath} has no default export: export default defineConfig({ … })`);
  }
  const config = resolveConfig(module.default);
  const dir = dirname(configPath);
  const workflowPaths = config.workflows.map((path) =>
    path.startsWith('file:') ? fileURLToPath(path) : resolve(dir, path),
  );
  const plans = new Map(Object.entries(config.plans).map(([name, path]) => [name, resolve(dir, path)]));
  const missing = workflowPaths.find((path) => !existsSync(path));
  if (missing) throw new SegnoError('Config.Invalid', `${configPath}: workflows: there is no file ${missing}`);
  return { dir, configPath, config, workflowPaths, plans };
}

/**
 * The names of a project's workflows.
 *
 * @throws SegnoError `Config.Invalid` when two modules export the same name
 */
export async function workflowNames({ workflowPaths }: Project): Promise<string[]> {
  const names = new Map<string, string>();
  for (const path of workflowPaths) {
    const exported = (await importModule(path)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(exported)) {
      if (typeof value !== 'function') continue;
      const other = names.get(name);
      if (other)
        throw new SegnoError('Config.Invalid', `two workflow modules export ${name}: ${other} and ${path}; rename one`);
      names.set(name, path);
    }
  }
  return [...names.keys()].sort();
}

let typescriptRegistered = false;

async function importModule(path: string): Promise<unknown> {
  if (/\.[cm]?ts$/.test(path) && !typescriptRegistered) {
    register();
    typescriptRegistered = true;
  }
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    if (error instanceof SegnoError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SegnoError('Config.Invalid', `${path} could not be loaded: ${reason}`, { cause: error });
  }
}
