/**
 * A real PostgreSQL for tests: a fresh cluster in a temporary directory, or the server that DATABASE_URL names.
 *
 * Invariant: what it starts it stops, and nothing else.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestPostgres {
  readonly url: string;
  /** Kills the server as a crash would, and starts it again on the same data and port. Absent with DATABASE_URL. */
  readonly crashAndRestart?: () => Promise<void>;
  stop(): Promise<void>;
}

/** @throws Error when there is neither DATABASE_URL nor a PostgreSQL installation: a test must not pass without one */
export async function startPostgres(): Promise<TestPostgres> {
  const given = process.env['DATABASE_URL'];
  if (given) return { url: given, stop: () => Promise.resolve() };
  const bin = findBinaries();
  const user = serverUser();
  const dir = mkdtempSync(join(tmpdir(), 'segno-pg-'));
  if (user.uid !== undefined && user.gid !== undefined) chownSync(dir, user.uid, user.gid);
  const data = join(dir, 'data');
  const run = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'segno', '--auth=trust', '--no-sync', '-E', 'UTF8', '--no-locale'],
    {
      ...user,
      cwd: dir,
      encoding: 'utf8',
    },
  );
  if (run.status !== 0) throw new Error(`initdb failed: ${run.stderr || String(run.error)}`);
  const port = await freePort();
  const url = `postgres://segno@127.0.0.1:${port}/postgres`;
  const start = () => startServer(join(bin, 'postgres'), data, port, { ...user, cwd: dir });
  let server = await start();
  return {
    url,
    async crashAndRestart() {
      await end(server, 'SIGQUIT');
      server = await start();
    },
    async stop() {
      await end(server, 'SIGINT');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function findBinaries(): string {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const candidates = versions.map((version) => join(root, version, 'bin'));
  const found = candidates.find((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')));
  if (!found) throw new Error('No PostgreSQL here: install one (Debian: postgresql), or set DATABASE_URL.');
  return found;
}

/** PostgreSQL refuses to run as root; the package's own user will do. */
function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim() || NaN);
  const uid = id('-u');
  const gid = id('-g');
  if (Number.isNaN(uid) || Number.isNaN(gid))
    throw new Error('As root, PostgreSQL needs the system user `postgres`, or set DATABASE_URL.');
  return { uid, gid };
}

async function startServer(binary: string, data: string, port: number, options: SpawnOptions): Promise<ChildProcess> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 100,
    fsync: 'off',
  };
  const server = spawn(
    binary,
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let log = '';
  await new Promise<void>((resolve, reject) => {
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-10_000);
      if (log.includes('ready to accept connections')) resolve();
    });
    server.once('exit', () => reject(new Error(`PostgreSQL did not start: ${log}`)));
    server.once('error', reject);
  });
  return server;
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  server.kill(signal);
  await exited;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}
