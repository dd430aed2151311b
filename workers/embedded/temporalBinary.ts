/**
 * Finds a `temporal` binary, and gets one where there is none: PATH, our cache, the official download, a build with Go.
 *
 * Invariants:
 * 1. Whatever is returned has answered `--version` on this machine.
 * 2. The cache's binary appears by rename only: an interrupted download or build leaves nothing that looks finished.
 * 3. Of several processes that need it at once, one works and the others wait; a dead worker's place is taken.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SegnoError } from '../../core/errors.js';
import { buildTemporal, findGo } from './buildTemporal.js';
import { downloadTemporal } from './downloadTemporal.js';
import { takeLock } from './processLock.js';
import { runProgram } from './runProgram.js';
import { temporalCacheDir, temporalDownloads, temporalVersion, type TemporalDownload } from './temporalRelease.js';

export interface TemporalBinary {
  readonly path: string;
  /** What `temporal --version` says, for example `temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)`. */
  readonly version: string;
  readonly source: 'path' | 'cache' | 'download' | 'build';
}

export interface TemporalProgress {
  readonly phase: 'download' | 'build' | 'wait';
  readonly elapsedMs: number;
  /** One line for people, with what is being done and for how long. */
  readonly message: string;
}

export interface FindTemporalOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /** Called about once a second while something slow is under way. */
  readonly onProgress?: (progress: TemporalProgress) => void;
  readonly downloads?: readonly TemporalDownload[];
}

type Context = Required<Pick<FindTemporalOptions, 'env' | 'downloads'>> &
  Pick<FindTemporalOptions, 'signal' | 'onProgress'>;

const waitPollMs = 300;

/**
 * @throws SegnoError `Temporal.NotFound` with every way tried and the ways out
 * @throws the signal's reason when it is aborted
 */
export async function findTemporal(options: FindTemporalOptions = {}): Promise<TemporalBinary> {
  const context: Context = {
    ...options,
    env: options.env ?? process.env,
    downloads: options.downloads ?? temporalDownloads(),
  };
  return (await findInstalledTemporal(context.env)) ?? (await installOnce(context));
}

/** What is on PATH or in the cache already; gets nothing. */
export async function findInstalledTemporal(env: NodeJS.ProcessEnv): Promise<TemporalBinary | undefined> {
  for (const folder of (env['PATH'] ?? '').split(':').filter(isAbsolute)) {
    const path = join(folder, 'temporal');
    const version = existsSync(path) ? await versionOf(path, env) : undefined;
    if (version) return { path, version, source: 'path' };
  }
  return findCached(env);
}

async function findCached(env: NodeJS.ProcessEnv): Promise<TemporalBinary | undefined> {
  const path = join(temporalCacheDir(env), 'temporal');
  const version = existsSync(path) ? await versionOf(path, env) : undefined;
  return version ? { path, version, source: 'cache' } : undefined;
}

async function versionOf(path: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const result = await runProgram(path, ['--version'], { env, timeoutMs: 15_000 });
  const line = result.stdout.trim();
  return result.exitCode === 0 && line.startsWith('temporal version') ? line : undefined;
}

async function installOnce(context: Context): Promise<TemporalBinary> {
  const cacheDir = temporalCacheDir(context.env);
  await mkdir(cacheDir, { recursive: true });
  const startedAt = Date.now();
  for (;;) {
    context.signal?.throwIfAborted();
    const lock = takeLock(join(cacheDir, 'lock'));
    if (!lock.taken) {
      const elapsedMs = Date.now() - startedAt;
      const message = `Waiting for process ${lock.holder.pid}, which gets Temporal ${temporalVersion} (${inWords(elapsedMs)})`;
      context.onProgress?.({ phase: 'wait', elapsedMs, message });
      await delay(waitPollMs, undefined, context.signal ? { signal: context.signal } : {});
      continue;
    }
    try {
      // Somebody may have finished between our look and our lock.
      return (await findCached(context.env)) ?? (await install(cacheDir, context));
    } finally {
      lock.release();
    }
  }
}

async function install(cacheDir: string, context: Context): Promise<TemporalBinary> {
  await removeLeftovers(cacheDir);
  const folder = await mkdtemp(join(cacheDir, 'get-'));
  const failures: string[] = [];
  try {
    for (const download of context.downloads) {
      const host = new URL(download.url).host;
      const binary = await attempt(failures, `download from ${host}`, context, async () => {
        const progress = ticker(context, 'download', `Downloading Temporal ${temporalVersion} from ${host}`);
        const onBytes = (bytes: number, total: number | undefined): void => progress.say(inMegabytes(bytes, total));
        return progress.during(downloadTemporal(download, folder, { ...context, onBytes }));
      });
      if (binary) return await keep(binary, cacheDir, 'download', context.env);
    }
    const go = await findGo(context.env);
    if (go === undefined) failures.push('build: Go is not installed');
    else {
      const binary = await attempt(failures, 'build with Go', context, async () => {
        const progress = ticker(
          context,
          'build',
          `Building Temporal ${temporalVersion} with Go ${go}, once, 3 to 6 minutes`,
        );
        const onStep = (step: { modules: number; packages: number }): void =>
          progress.say(step.packages > 0 ? `${step.packages} packages compiled` : `${step.modules} modules fetched`);
        return progress.during(buildTemporal(folder, { ...context, onStep }));
      });
      if (binary) return await keep(binary, cacheDir, 'build', context.env);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  throw notFound(failures);
}

async function attempt(
  failures: string[],
  what: string,
  context: Context,
  get: () => Promise<string>,
): Promise<string | undefined> {
  try {
    const path = await get();
    await chmod(path, 0o755);
    if (await versionOf(path, context.env)) return path;
    failures.push(`${what}: the binary does not run on this machine`);
  } catch (error) {
    context.signal?.throwIfAborted();
    failures.push(`${what}: ${reasonOf(error)}`);
  }
  return undefined;
}

async function keep(
  binary: string,
  cacheDir: string,
  source: 'download' | 'build',
  env: NodeJS.ProcessEnv,
): Promise<TemporalBinary> {
  const path = join(cacheDir, 'temporal');
  await rename(binary, path);
  return { path, version: (await versionOf(path, env)) ?? '', source };
}

/** Folders of processes that were killed while they downloaded or built; only the lock's holder may call this. */
async function removeLeftovers(cacheDir: string): Promise<void> {
  const left = (await readdir(cacheDir)).filter((name) => name.startsWith('get-'));
  await Promise.all(left.map((name) => rm(join(cacheDir, name), { recursive: true, force: true })));
}

function ticker(context: Context, phase: TemporalProgress['phase'], title: string) {
  const startedAt = Date.now();
  let detail = '';
  const tell = (): void => {
    const elapsedMs = Date.now() - startedAt;
    const message = `${title}: ${inWords(elapsedMs)}${detail && `, ${detail}`}`;
    context.onProgress?.({ phase, elapsedMs, message });
  };
  return {
    say: (text: string): void => {
      detail = text;
    },
    async during<T>(work: Promise<T>): Promise<T> {
      tell();
      const timer = setInterval(tell, 1_000);
      return work.finally(() => clearInterval(timer));
    },
  };
}

function notFound(failures: readonly string[]): SegnoError {
  const tried = failures.map((failure) => `  - ${failure}`).join('\n');
  return new SegnoError(
    'Temporal.NotFound',
    `No Temporal server could be found or made here.\nTried:\n  - temporal on PATH and in the cache: none runs\n${tried}\n` +
      `Three ways out:\n  1. Install the Temporal CLI and put it on PATH: https://docs.temporal.io/cli\n` +
      `  2. Install Go 1.25 or later and run this again: it builds Temporal ${temporalVersion} once.\n` +
      `  3. Set TEMPORAL_ADDRESS to a server that already runs.`,
    { details: { failures } },
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error.message}${cause}`;
}

function inWords(elapsedMs: number): string {
  const seconds = Math.round(elapsedMs / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function inMegabytes(bytes: number, total: number | undefined): string {
  const mega = (value: number): string => (value / 1_000_000).toFixed(0);
  return total === undefined ? `${mega(bytes)} MB` : `${mega(bytes)} of ${mega(total)} MB`;
}
