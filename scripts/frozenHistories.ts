/**
 * The recorded runs of released versions never change: `manifest.json` has the SHA-256 of each of their files.
 *
 * Invariant: every folder but `next` (recorded since the last release) and `retired` is a version. A retired run lies under
 * `retired/VERSION/`, unchanged.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** By version, by path in the version's folder. */
type Manifest = Record<string, Record<string, string>>;

const unfrozen = ['next', 'retired'];

/** What differs from the manifest, one line a file; empty when the released histories are as they were. */
export function frozenFaults(histories: string): string[] {
  const manifest = readManifest(histories);
  const versions = readdirSync(histories, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !unfrozen.includes(entry.name))
    .map(({ name }) => name);
  const unlisted = versions
    .filter((version) => !manifest[version])
    .map((version) => `${version}: not in manifest.json`);
  const changes = Object.entries(manifest).flatMap(([version, listed]) => {
    const present = { ...hashFiles(join(histories, 'retired', version)), ...hashFiles(join(histories, version)) };
    const paths = [...new Set([...Object.keys(listed), ...Object.keys(present)])].sort();
    return paths.flatMap((path) => {
      if (present[path] === listed[path]) return [];
      const what = present[path] === undefined ? 'is gone' : listed[path] === undefined ? 'was added' : 'was changed';
      return [`${version}/${path} ${what}`];
    });
  });
  return [...unlisted, ...changes];
}

/**
 * Make what is recorded under `next` the histories of a version.
 *
 * @throws Error when the version has histories, or there are none
 */
export function freezeHistories(histories: string, version: string): void {
  const next = join(histories, 'next');
  const target = join(histories, version);
  if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`${version} is not a version`);
  if (existsSync(target)) throw new Error(`${version} is frozen already: its histories never change`);
  if (!existsSync(next)) throw new Error('nothing is recorded under next/: run `npm run histories` first');
  renameSync(next, target);
  const manifest = { ...readManifest(histories), [version]: hashFiles(target) };
  writeFileSync(join(histories, 'manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`);
}

function readManifest(histories: string): Manifest {
  return JSON.parse(readFileSync(join(histories, 'manifest.json'), 'utf8')) as Manifest;
}

function hashFiles(dir: string): Record<string, string> {
  if (!existsSync(dir)) return {};
  const paths = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    paths.map((path) => [path.slice(dir.length + 1), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );
}
