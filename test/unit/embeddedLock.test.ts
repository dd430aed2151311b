import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockHolder, takeLock, type LockHolder } from '../../workers/embedded/processLock.js';
import { hostId, isSameProcess, processStartedAt, thisProcess } from '../../workers/processIdentity.js';
import { openWorkshop, until, type Workshop } from './embeddedStandIn.js';

let shop: Workshop;
let folder: string;
beforeEach(() => {
  shop = openWorkshop();
  folder = shop.path('lock');
});
afterEach(() => shop.remove());

function leaveLock(generation: number, holder: Partial<LockHolder>): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${String(generation).padStart(10, '0')}.json`);
  const full = { ...thisProcess(), hostId: hostId(), since: '2026-01-01T00:00:00.000Z', token: 'x', ...holder };
  writeFileSync(file, JSON.stringify(full));
  return file;
}

describe('process identity', () => {
  it('knows this process and no dead one', async () => {
    expect(isSameProcess(thisProcess())).toBe(true);
    const child = spawn('true');
    await once(child, 'exit');
    expect(processStartedAt(child.pid ?? -1)).toBeUndefined();
  });

  it('tells a pid that is used again from the process that had it', () => {
    expect(isSameProcess({ pid: process.pid, processStartedAt: '1' })).toBe(false);
  });

  it('counts a zombie as dead', async () => {
    // The shell starts a child and becomes a program that never waits for it.
    const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    await until('the child is dead', () => processStartedAt(Number(line)) === undefined);
    parent.kill('SIGKILL');
  });
});

describe('the lock', () => {
  it('is held by one, and free again when it is released', () => {
    const first = takeLock(folder);
    expect(first.taken).toBe(true);
    expect(takeLock(folder)).toMatchObject({ taken: false, holder: { pid: process.pid } });
    if (first.taken) first.release();
    expect(lockHolder(folder)).toBeUndefined();
    expect(takeLock(folder).taken).toBe(true);
  });

  it('is taken over from a dead holder', () => {
    leaveLock(41, { pid: 2 ** 22 + 1, processStartedAt: '1' });
    expect(takeLock(folder).taken).toBe(true);
    expect(readdirSync(folder)).toEqual(['0000000042.json']);
  });

  it('is taken over when another process has the dead holder’s pid', () => {
    leaveLock(1, { pid: process.pid, processStartedAt: '1' });
    expect(takeLock(folder).taken).toBe(true);
  });

  it('is left to a holder elsewhere that touched it lately, and taken from one that has been silent', () => {
    const file = leaveLock(1, { hostId: 'another', pid: 1 });
    expect(takeLock(folder).taken).toBe(false);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(file, longAgo, longAgo);
    expect(takeLock(folder).taken).toBe(true);
  });

  it('goes to exactly one of eight processes that race for a dead holder’s', async () => {
    leaveLock(7, { pid: 2 ** 22 + 1, processStartedAt: '1' });
    const start = shop.path('start');
    const racer = shop.path('racer.ts');
    const lockModule = join(import.meta.dirname, '../../workers/embedded/processLock.ts');
    writeFileSync(
      racer,
      `import { existsSync } from 'node:fs';
       import { takeLock } from ${JSON.stringify(lockModule)};
       console.log('waiting');
       const nap = new Int32Array(new SharedArrayBuffer(4));
       while (!existsSync(${JSON.stringify(start)})) Atomics.wait(nap, 0, 0, 1);
       console.log(takeLock(${JSON.stringify(folder)}).taken ? 'won' : 'lost');
       process.stdin.resume();`,
    );
    const racers = Array.from({ length: 8 }, () => {
      return spawn(process.execPath, ['--import', import.meta.resolve('tsx'), racer], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
    });
    const said = racers.map((child) => createInterface({ input: child.stdout })[Symbol.asyncIterator]());
    await Promise.all(said.map((lines) => lines.next()));
    writeFileSync(start, '');
    const results = await Promise.all(said.map(async (lines) => String((await lines.next()).value)));
    // The winner lives until all have answered: a lock whose holder has ended may be taken again.
    for (const child of racers) child.kill('SIGKILL');
    expect(results.toSorted()).toEqual([...Array<string>(7).fill('lost'), 'won']);
  }, 60_000);
});
