import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTemporal, type TemporalProgress } from '../../workers/embedded/temporalBinary.js';
import { temporalDownloads, temporalVersion } from '../../workers/embedded/temporalRelease.js';
import { openWorkshop, until, type Workshop } from './embeddedStandIn.js';

let shop: Workshop;
let server: Server | undefined;
beforeEach(() => {
  shop = openWorkshop();
  mkdirSync(shop.path('bin'));
  for (const tool of ['tar', 'gzip', 'sh', 'cat', 'sleep', 'cp', 'chmod', 'mkdir', 'dirname']) {
    const real = execFileSync('which', [tool], { encoding: 'utf8' }).trim();
    program(shop.path(`bin/${tool}`), `exec ${real} "$@"`);
  }
});
afterEach(() => {
  server?.close();
  server = undefined;
  shop.remove();
});

const env = (): NodeJS.ProcessEnv => ({ PATH: shop.path('bin'), HOME: shop.dir });
const cached = (): string => shop.path(`.cache/segno/temporal-${temporalVersion}/temporal`);
const works = (version: string): string => `echo "temporal version ${version} (Server 1.29.1, UI 2.42.1)"`;

function program(path: string, body: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
}

/** A stand-in for Go that "compiles" by writing a working binary into GOBIN, and writes down that it ran. */
function installGo(work = ''): void {
  program(
    shop.path('bin/go'),
    `if [ "$1" = version ]; then echo "go version go1.26.8 linux/amd64"; exit 0; fi
     echo "$@" >> ${shop.path('go.log')}
     echo "go: downloading github.com/temporalio/cli v${temporalVersion}" >&2
     ${work}
     echo "net/http" >&2
     printf '#!/bin/sh\\n%s\\n' '${works('built')}' > "$GOBIN/temporal"
     chmod 755 "$GOBIN/temporal"`,
  );
}

const builds = (): number =>
  (existsSync(shop.path('go.log')) ? readFileSync(shop.path('go.log'), 'utf8') : '').split('install').length - 1;

async function serve(body: Buffer): Promise<string> {
  server = createServer((_request, response) => response.end(body));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive`;
}

function archiveOf(body: string): Buffer {
  program(shop.path('pack/temporal'), body);
  execFileSync('tar', ['-czf', shop.path('pack.tar.gz'), '-C', shop.path('pack'), 'temporal']);
  return readFileSync(shop.path('pack.tar.gz'));
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('finding Temporal', () => {
  it('takes the one on PATH first', async () => {
    program(shop.path('bin/temporal'), works('9.9.9'));
    program(cached(), works('cached'));
    const found = await findTemporal({ env: env(), downloads: [] });
    expect(found).toMatchObject({ source: 'path', path: shop.path('bin/temporal') });
    expect(found.version).toMatch(/9\.9\.9/);
  });

  it('passes over a program on PATH that does not run or is another', async () => {
    program(shop.path('bin/temporal'), 'echo "temporal: a calendar"');
    program(cached(), works('cached'));
    expect(await findTemporal({ env: env(), downloads: [] })).toMatchObject({ source: 'cache', path: cached() });
  });

  it('downloads the official archive, checks its sum, and finds it in the cache the next time', async () => {
    const archive = archiveOf(works('downloaded'));
    const downloads = [{ url: await serve(archive), sha256: sha256(archive) }];
    expect(await findTemporal({ env: env(), downloads })).toMatchObject({ source: 'download', path: cached() });
    expect(await findTemporal({ env: env(), downloads: [] })).toMatchObject({ source: 'cache' });
  });

  it('never runs an archive with another sum', async () => {
    const archive = archiveOf(`touch ${shop.path('ran')}; ${works('evil')}`);
    const downloads = [{ url: await serve(archive), sha256: '0'.repeat(64) }];
    await expect(findTemporal({ env: env(), downloads })).rejects.toThrow(/SHA-256 is .* instead of the published 000/);
    expect(existsSync(shop.path('ran'))).toBe(false);
    expect(existsSync(cached())).toBe(false);
  });

  it('builds it with Go where the download cannot be reached', async () => {
    installGo();
    const said: TemporalProgress[] = [];
    const downloads = [{ url: 'http://127.0.0.1:1/archive', sha256: '' }];
    const found = await findTemporal({ env: env(), downloads, onProgress: (progress) => said.push(progress) });
    expect(found).toMatchObject({ source: 'build', path: cached() });
    expect(said.map((progress) => progress.phase)).toContain('build');
    expect(said.find((progress) => progress.phase === 'build')?.message).toMatch(/with Go 1\.26\.8, once/);
    expect(readFileSync(shop.path('go.log'), 'utf8')).toMatch(/install -v -ldflags=-s -w .*cmd\/temporal@v1\.5\.1/);
  });

  it('builds once when two need it at the same time', async () => {
    installGo('sleep 0.5');
    const said: TemporalProgress[] = [];
    const options = { env: env(), downloads: [], onProgress: (progress: TemporalProgress) => said.push(progress) };
    const found = await Promise.all([findTemporal(options), findTemporal(options)]);
    expect(found.map(({ path }) => path)).toEqual([cached(), cached()]);
    expect(builds()).toBe(1);
    expect(said.map(({ phase }) => phase)).toContain('wait');
  });

  it('ends the build with everything it started when it is aborted, and leaves nothing behind', async () => {
    installGo(`sh -c 'echo $$ > ${shop.path('compiler.pid')}; exec sleep 60' & wait`);
    const abort = new AbortController();
    const finding = findTemporal({ env: env(), downloads: [], signal: abort.signal });
    await until('the compiler runs', () => existsSync(shop.path('compiler.pid')));
    abort.abort(new Error('Ctrl-C'));
    await expect(finding).rejects.toThrow('Ctrl-C');
    const compiler = Number(readFileSync(shop.path('compiler.pid'), 'utf8'));
    const { processStartedAt } = await import('../../workers/processIdentity.js');
    await until('the compiler is gone', () => processStartedAt(compiler) === undefined);
    expect(readdirSync(join(cached(), '..'))).toEqual(['lock']);
  });

  it('names what was tried and the three ways out where there is none', async () => {
    const downloads = [{ url: 'http://127.0.0.1:1/archive', sha256: '' }];
    const error: unknown = await findTemporal({ env: env(), downloads }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ type: 'Temporal.NotFound' });
    const { message } = error as Error;
    expect(message).toMatch(/download from 127\.0\.0\.1:1: .*\n.*build: Go is not installed/);
    expect(message).toMatch(/1\. Install the Temporal CLI[^]*2\. Install Go[^]*3\. Set TEMPORAL_ADDRESS/);
  });

  it('replaces a cached binary that does not run', async () => {
    program(cached(), 'exit 1');
    installGo();
    expect(await findTemporal({ env: env(), downloads: [] })).toMatchObject({ source: 'build' });
  });
});

describe('the official builds', () => {
  it('are named for this machine, with a published sum', () => {
    expect(temporalDownloads('linux', 'x64')[0]).toMatchObject({
      url: 'https://temporal.download/cli/archive/v1.5.1?platform=linux&arch=amd64',
    });
    expect(temporalDownloads('darwin', 'arm64')[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(temporalDownloads('sunos', 'sparc')).toEqual([]);
  });
});
