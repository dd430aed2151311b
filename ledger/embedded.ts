/**
 * The ledger's database on one machine: PGlite in a process of its own, for any number of clients.
 *
 * Invariants:
 * 1. An acknowledged row survives `kill -9` at any moment: every commit is written to the operating system before it is
 *    answered. A power cut is another matter: PGlite does not call fsync.
 * 2. A data directory that exists is complete: it is created beside its place and renamed.
 * 3. One process a data directory.
 * 4. A fresh database is a copy of the template where there is one: creating one takes PGlite seconds.
 */
import { constants } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { lockDataDir } from './dataDirLock.js';
import { servePglite } from './pgliteSocket.js';

export interface PgliteServerOptions {
  readonly dataDir: string;
  /** Default 127.0.0.1. There is no password: anyone who reaches the port may read. */
  readonly host?: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  readonly idleInTransactionMs?: number | undefined;
  /** A folder that keeps an empty database for all projects of this user, by PGlite's version. Made when it is missing. */
  readonly templateDir?: string | undefined;
  /** The database cannot go on; the process should end, so that it is started again. */
  onFatal(error: unknown): void;
}

export interface PgliteServer {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws SegnoError `Stack.Held` */
export async function runPgliteServer(options: PgliteServerOptions): Promise<PgliteServer> {
  const { host = '127.0.0.1', port, idleInTransactionMs, onFatal } = options;
  const dataDir = resolve(options.dataDir);
  await mkdir(dirname(dataDir), { recursive: true });
  const unlock = lockDataDir(dataDir);
  try {
    await createDataDir(dataDir, options.templateDir);
    const db = await PGlite.create({ dataDir });
    const socket = await servePglite({ db, host, port, idleInTransactionMs, onFatal }).catch(async (error: unknown) => {
      await db.close();
      throw error;
    });
    return {
      url: `postgres://postgres@${host}:${socket.port}/postgres`,
      async close() {
        await socket.close();
        await db.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

/** A creation that was cut off leaves a directory that looks like a database and is none. */
async function createDataDir(dataDir: string, templateDir: string | undefined): Promise<void> {
  const parent = dirname(dataDir);
  const prefix = `${basename(dataDir)}.new-`;
  const siblings = await readdir(parent);
  for (const name of siblings) {
    if (name.startsWith(prefix)) await rm(join(parent, name), { recursive: true, force: true });
  }
  if (siblings.includes(basename(dataDir))) {
    if ((await readdir(dataDir)).length > 0) return;
    await rmdir(dataDir);
  }
  const fresh = join(parent, `${prefix}${process.pid}`);
  const template = templateDir && join(templateDir, `pglite-${await pgliteVersion()}`);
  if (!template || !(await copied(template, fresh))) {
    const db = await PGlite.create({ dataDir: fresh });
    await db.close();
    if (template) await keepTemplate(fresh, template);
  }
  await rename(fresh, dataDir);
}

/** False when there is no whole template, or it cannot be read. */
async function copied(template: string, fresh: string): Promise<boolean> {
  try {
    await copyTree(template, fresh);
    return true;
  } catch {
    await rm(fresh, { recursive: true, force: true });
    return false;
  }
}

/** Best effort: a cache that cannot be written, or that another process filled first, is no reason not to start. */
async function keepTemplate(fresh: string, template: string): Promise<void> {
  const copy = `${template}.new-${process.pid}`;
  try {
    await mkdir(dirname(template), { recursive: true });
    await copyTree(fresh, copy);
    await rename(copy, template);
  } catch {
    await rm(copy, { recursive: true, force: true }).catch(() => undefined);
  }
}

const copyTree = (from: string, to: string): Promise<void> =>
  cp(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE });

async function pgliteVersion(): Promise<string> {
  const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'));
  return (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version;
}
