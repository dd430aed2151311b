import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { OwnPackage } from './ownPackage.js';

/** Where npm gets this package from for a new project, as its package.json says it. */
export interface OwnSource {
  spec: string;
  /** npm links a folder unless it is told to copy it. */
  isFolder: boolean;
}

/**
 * A new project takes this package from where it was taken itself: the registry, the same file, or the folder it is worked on in.
 *
 * @param target the new project's folder
 */
export function ownSource({ dir, version }: Pick<OwnPackage, 'dir' | 'version'>, target: string): OwnSource {
  const modules = dirname(dir);
  if (basename(modules) !== 'node_modules') return { spec: `file:${pathFrom(target, dir)}`, isFolder: true };
  const spec = dependencyIn(join(dirname(modules), 'package.json'));
  if (spec === undefined || /^[\^~<>=v\d*]/.test(spec)) return { spec: `^${version}`, isFolder: false };
  const path = /^file:(?:\/\/)?(.+)$/.exec(spec)?.[1];
  if (path === undefined) return { spec, isFolder: false };
  const source = resolve(dirname(modules), path);
  return { spec: `file:${pathFrom(target, source)}`, isFolder: !/\.(tgz|tar\.gz|tar)$/.test(source) };
}

function dependencyIn(manifest: string): string | undefined {
  if (!existsSync(manifest)) return undefined;
  const { dependencies, devDependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as Record<
    string,
    Record<string, string> | undefined
  >;
  return dependencies?.['segno'] ?? devDependencies?.['segno'];
}

/** With `/` between names, as npm writes them. */
function pathFrom(folder: string, path: string): string {
  const way = relative(folder, path);
  return (isAbsolute(way) ? path : way).replaceAll('\\', '/');
}
