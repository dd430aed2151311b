/**
 * The Temporal CLI the embedded stack runs (it carries the server), and where its official builds are.
 *
 * Sums: the release's own SHA-256 sums, as package managers pin them. The address scheme is the one of Temporal's
 * install script.
 */
import { join } from 'node:path';
import { homedir } from 'node:os';

/** The newest version that `go install` accepts: later modules carry replace directives. */
export const temporalVersion = '1.5.1';
export const temporalModule = `github.com/temporalio/cli/cmd/temporal@v${temporalVersion}`;

export interface TemporalDownload {
  readonly url: string;
  readonly sha256: string;
}

const archiveSha256: Record<string, string> = {
  'linux-amd64': 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
  'linux-arm64': 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
  'darwin-amd64': 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9',
  'darwin-arm64': 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415',
};

/** Where the official archive can be had, best first; empty where there is no build for this machine. */
export function temporalDownloads(
  platform: string = process.platform,
  arch: string = process.arch,
): TemporalDownload[] {
  const goArch = arch === 'x64' ? 'amd64' : arch;
  const sha256 = archiveSha256[`${platform}-${goArch}`];
  if (sha256 === undefined) return [];
  const file = `temporal_cli_${temporalVersion}_${platform}_${goArch}.tar.gz`;
  return [
    { url: `https://temporal.download/cli/archive/v${temporalVersion}?platform=${platform}&arch=${goArch}`, sha256 },
    { url: `https://github.com/temporalio/cli/releases/download/v${temporalVersion}/${file}`, sha256 },
  ];
}

/** The folder all projects of this user share. */
export function userCacheDir(env: NodeJS.ProcessEnv): string {
  const home = env['HOME'] || homedir();
  return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'segno');
}

/** Holds `temporal` once it is there. */
export function temporalCacheDir(env: NodeJS.ProcessEnv): string {
  return join(userCacheDir(env), `temporal-${temporalVersion}`);
}
