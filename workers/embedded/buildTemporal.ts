/** Builds the Temporal CLI from its published Go module: the way where the download is out of reach. */
import { join } from 'node:path';
import { runProgram } from './runProgram.js';
import { temporalModule, temporalVersion } from './temporalRelease.js';

export interface BuildOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Modules fetched and packages compiled so far; about 640 packages with an empty build cache's standard library. */
  readonly onStep?: (step: { readonly modules: number; readonly packages: number }) => void;
}

/** @returns Go's version, undefined where Go is missing */
export async function findGo(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const result = await runProgram('go', ['version'], { env, timeoutMs: 10_000 });
  return result.exitCode === 0 ? /go version go(\S+)/.exec(result.stdout)?.[1] : undefined;
}

/** @returns the path of the built binary inside `folder`; throws with the end of what Go said */
export async function buildTemporal(folder: string, options: BuildOptions): Promise<string> {
  let modules = 0;
  let packages = 0;
  const version = `-X github.com/temporalio/cli/temporalcli.Version=${temporalVersion}`;
  const result = await runProgram('go', ['install', '-v', `-ldflags=-s -w ${version}`, temporalModule], {
    env: { ...nativeBuildEnv(options.env), GOBIN: folder, CGO_ENABLED: '0' },
    signal: options.signal,
    onErrorLine: (line) => {
      if (line.startsWith('go: downloading')) modules += 1;
      else packages += 1;
      options.onStep?.({ modules, packages });
    },
  });
  if (result.exitCode !== 0) throw new Error(`go install failed: ${lastLines(result.stderr, 5)}`);
  return join(folder, 'temporal');
}

/** `go install` refuses GOBIN when it cross-compiles, and a vendored project's GOFLAGS when it is given a version. */
function nativeBuildEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { GOOS: _os, GOARCH: _arch, ...rest } = env;
  const flags = rest['GOFLAGS']?.split(/\s+/).filter((flag) => !flag.startsWith('-mod='));
  return flags ? { ...rest, GOFLAGS: flags.join(' ') } : rest;
}

const lastLines = (text: string, count: number): string => text.trim().split('\n').slice(-count).join('\n');
