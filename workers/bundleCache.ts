import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A workflow bundle and the files it was made of. A worker that is started again after a crash takes it from here in some
 * ten milliseconds instead of building it for a second.
 *
 * Invariant: a bundle is used only while every file in it has the size and time of change it had; anything doubtful (an
 * unreadable cache, a file that is gone) means building anew.
 */
interface CachedBundle {
  version: 3;
  /** Size and time of last change (milliseconds), by path. */
  files: Record<string, string>;
  code: string;
  workflows: readonly string[];
}

type CachedCode = Pick<CachedBundle, 'code' | 'workflows'>;

function cacheFile(dir: string, sources: readonly string[]): string {
  const name = createHash('sha256').update(JSON.stringify(sources)).digest('hex').slice(0, 16);
  return join(dir, `workflows-${name}.json`);
}

export async function readCachedBundle(dir: string, sources: readonly string[]): Promise<CachedCode | undefined> {
  try {
    const cached = JSON.parse(await readFile(cacheFile(dir, sources), 'utf8')) as CachedBundle;
    if (cached.version !== 3) return undefined;
    const same = await Promise.all(
      Object.entries(cached.files).map(async ([file, was]) => (await stamp(file)) === was),
    );
    return same.every(Boolean) ? { code: cached.code, workflows: cached.workflows } : undefined;
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written (a read-only container) is no failure: the bundle is built again next time. */
export async function cacheBundle(
  dir: string,
  sources: readonly string[],
  files: readonly string[],
  { code, workflows }: CachedCode,
): Promise<void> {
  try {
    const stamps = await Promise.all(files.map(async (file) => [file, await stamp(file)] as const));
    const cached: CachedBundle = { version: 3, files: Object.fromEntries(stamps), code, workflows };
    const path = cacheFile(dir, sources);
    await mkdir(dir, { recursive: true });
    const draft = `${path}.${process.pid}.tmp`;
    await writeFile(draft, JSON.stringify(cached));
    await rename(draft, path);
  } catch {
    return;
  }
}

async function stamp(file: string): Promise<string> {
  const { size, mtimeMs } = await stat(file);
  return `${size} ${mtimeMs}`;
}
