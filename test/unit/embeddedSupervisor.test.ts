import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SegnoError } from '../../core/errors.js';
import type { ChildSpec } from '../../workers/embedded/childSpec.js';
import { maxRestarts, restartDelayMs } from '../../workers/embedded/restartDelay.js';
import { createSupervisor, type NamedProcess, type StackEvent } from '../../workers/embedded/supervisor.js';
import { isSameProcess } from '../../workers/processIdentity.js';
import { openWorkshop, touch, until, type Workshop } from './embeddedStandIn.js';

let shop: Workshop;
let events: StackEvent[];
let children: readonly NamedProcess[];
let cleanUp: () => Promise<void>;

beforeEach(() => {
  shop = openWorkshop();
  events = [];
  children = [];
  cleanUp = async () => undefined;
});
afterEach(async () => {
  await cleanUp();
  shop.remove();
});

function supervise(specs: ChildSpec[]) {
  const supervisor = createSupervisor({
    specs,
    logDir: shop.path('logs'),
    onEvent: (event) => events.push(event),
    record: (now) => (children = now),
  });
  cleanUp = () => supervisor.stop();
  return supervisor;
}

const pidOf = (name: string): number => children.find((child) => child.name === name)?.pid ?? -1;
const kinds = (name: string): string[] => events.filter((event) => event.name === name).map((event) => event.kind);

describe('starting', () => {
  it('starts a child when all it comes after are ready, and independent ones at once', async () => {
    const gate = shop.path('gate');
    const supervisor = supervise([
      shop.spec('worker', { after: ['temporal', 'ledger'] }),
      shop.spec('temporal', { readyWhen: gate }),
      shop.spec('ledger', { url: 'postgres://there' }),
    ]);
    const started = supervisor.start();
    await until('the ledger is ready and temporal started', () => {
      return shop.diary().includes('ledger ready') && shop.diary().includes('temporal started');
    });
    expect(shop.diary()).not.toContain('worker started');
    touch(gate);
    expect((await started)['ledger']?.url).toBe('postgres://there');
    expect(shop.diary().indexOf('worker started')).toBeGreaterThan(shop.diary().indexOf('temporal ready'));
  });

  it('hands a child what the ones before it said', async () => {
    const seen: unknown[] = [];
    const worker = shop.spec('worker', { after: ['ledger'] });
    const spied: ChildSpec = {
      ...worker,
      command: (ready, signal) => {
        seen.push(ready['ledger']?.url);
        return worker.command(ready, signal);
      },
    };
    await supervise([shop.spec('ledger', { url: 'postgres://there' }), spied]).start();
    expect(seen).toEqual(['postgres://there']);
  });

  describe('a child that prepares itself', () => {
    const worker = (options: Partial<ChildSpec> = {}): ChildSpec =>
      shop.spec('worker', {
        after: ['ledger'],
        readyOnMessage: true,
        connections: (ready) => ({ DATABASE_URL: ready['ledger']?.url }),
        ...options,
      });

    it('is started at once, and told of the others when they are ready, at every start', async () => {
      const gate = shop.path('gate');
      const supervisor = supervise([shop.spec('ledger', { url: 'postgres://there', readyWhen: gate }), worker()]);
      const started = supervisor.start();
      await until('the worker started', () => shop.diary().includes('worker listening'));
      expect(shop.diary()).not.toContain('ledger ready');
      touch(gate);
      await started;
      expect(shop.diary()).toContain('worker told postgres://there');
      process.kill(pidOf('worker'), 'SIGKILL');
      await until('it is back', () => kinds('worker').at(-1) === 'ready' && kinds('worker').includes('died'));
      expect(shop.diary().filter((line) => line === 'worker told postgres://there')).toHaveLength(2);
    });

    it('has its own time from the message on', async () => {
      const gate = shop.path('gate');
      const started = supervise([
        shop.spec('ledger', { readyWhen: gate }),
        worker({ readyTimeoutMs: 1_000, connections: () => ({}) }),
      ]).start();
      await delay(1_200);
      touch(gate);
      await started;
    });

    it('ends the start when it fails before the others are ready, and ends with it when they fail', async () => {
      await expect(
        supervise([shop.spec('ledger', { readyWhen: shop.path('never') }), { ...worker(), ...failing() }]).start(),
      ).rejects.toMatchObject({ type: 'Stack.StartFailed', message: expect.stringContaining('worker') as string });
      await expect(supervise([shop.spec('ledger', { exitCode: 3 }), worker()]).start()).rejects.toMatchObject({
        message: expect.stringContaining('ledger') as string,
      });
      expect(children).toEqual([]);
    });

    const failing = (): Pick<ChildSpec, 'command'> => ({ command: shop.spec('worker', { exitCode: 2 }).command });
  });

  it('waits for the probe beyond the ready line', async () => {
    const order: string[] = [];
    const probe = async (): Promise<void> => void order.push('probed');
    await supervise([shop.spec('temporal', { probe })]).start();
    expect(order).toEqual(['probed']);
  });

  it('fails with the last lines of the log when a child ends before it is ready, and stops the others', async () => {
    const supervisor = supervise([
      shop.spec('ledger'),
      shop.spec('worker', { after: ['ledger'], exitCode: 3, says: 'no segno.config.ts here' }),
    ]);
    const error = await supervisor.start().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SegnoError);
    expect(error).toMatchObject({ type: 'Stack.StartFailed' });
    expect((error as Error).message).toMatch(
      /worker ended before it was ready \(exit code 3\)[^]*no segno\.config\.ts here/,
    );
    expect(shop.diary()).toContain('ledger termed');
    expect(children).toEqual([]);
  });

  it('says so when the program cannot be run at all', async () => {
    const spec: ChildSpec = { ...shop.spec('temporal'), command: () => ({ file: '/no/such', args: [], env: {} }) };
    await expect(supervise([spec]).start()).rejects.toThrow(/temporal could not be started: \/no\/such/);
  });

  it('tries again where a retry is allowed, after its chance to choose another port', async () => {
    let changed = 0;
    const beforeRetry = async (): Promise<void> => void changed++;
    await supervise([shop.spec('ledger', { failStarts: 2, startAttempts: 3, beforeRetry })]).start();
    expect(changed).toBe(2);
    expect(kinds('ledger')).toEqual(['starting', 'retrying', 'retrying', 'ready']);
  });

  it('ends a child that is not ready in time', async () => {
    const spec = shop.spec('temporal', { readyWhen: shop.path('never'), readyTimeoutMs: 300 });
    await expect(supervise([spec]).start()).rejects.toThrow(/temporal was not ready within 0.3 s/);
    await until('the child is gone', () => children.length === 0);
  });

  it('refuses children that wait for each other in a circle', () => {
    expect(() => supervise([shop.spec('a', { after: ['b'] }), shop.spec('b', { after: ['a'] })])).toThrow(/circle/);
  });
});

describe('running', () => {
  it('restarts a child that was killed, and says so', async () => {
    await supervise([shop.spec('ledger'), shop.spec('worker', { after: ['ledger'] })]).start();
    const before = pidOf('worker');
    process.kill(before, 'SIGKILL');
    await until('the worker is ready again', () => kinds('worker').filter((kind) => kind === 'ready').length === 2);
    expect(pidOf('worker')).not.toBe(before);
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'died', name: 'worker', exit: { code: null, signal: 'SIGKILL' } }),
    );
    expect(shop.diary().filter((line) => line === 'ledger started')).toHaveLength(1);
  });

  it('waits longer after each death in a row and gives up in the end', () => {
    const delays = Array.from({ length: maxRestarts }, (_, index) => restartDelayMs(index + 1) ?? -1);
    expect(delays.slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(Math.max(...delays)).toBe(10_000);
    expect(restartDelayMs(maxRestarts + 1)).toBeUndefined();
  });

  it('keeps what a child says in its log and sets a large one aside', async () => {
    writeFileSync(shop.path('big'), 'x');
    const first = supervise([shop.spec('model', { says: 'hello there' })]);
    await first.start();
    await first.stop();
    const log = shop.path('logs/model.log');
    expect(readFileSync(log, 'utf8')).toMatch(/hello there/);
    writeFileSync(log, 'x'.repeat(5_000_001));
    await supervise([shop.spec('model', { says: 'fresh' })]).start();
    expect(readFileSync(`${log}.1`, 'utf8')).toHaveLength(5_000_001);
    expect(readFileSync(log, 'utf8')).toMatch(/fresh/);
  });
});

describe('stopping', () => {
  it('stops in reverse order, each after those that need it have ended', async () => {
    const supervisor = supervise([shop.spec('ledger'), shop.spec('worker', { after: ['ledger'] })]);
    await supervisor.start();
    await supervisor.stop();
    const diary = shop.diary();
    expect(diary.indexOf('worker ended')).toBeLessThan(diary.indexOf('ledger termed'));
    expect(children).toEqual([]);
  });

  it('kills a child that ignores SIGTERM after its grace period', async () => {
    const supervisor = supervise([shop.spec('ledger', { ignoresTerm: true, graceMs: 200 })]);
    await supervisor.start();
    await supervisor.stop();
    expect(shop.diary()).toContain('ledger termed');
    expect(events.at(-1)).toMatchObject({ kind: 'stopped', exit: { signal: 'SIGKILL' } });
  });

  it('starts nothing any more once it stops, a restart under way included', async () => {
    const supervisor = supervise([shop.spec('worker')]);
    await supervisor.start();
    process.kill(pidOf('worker'), 'SIGKILL');
    await until('the death is noticed', () => kinds('worker').includes('died'));
    await supervisor.stop();
    expect(shop.diary().filter((line) => line === 'worker started')).toHaveLength(1);
  });

  it('kills everything at once when it is forced', async () => {
    const supervisor = supervise([shop.spec('ledger', { ignoresTerm: true, graceMs: 60_000 })]);
    await supervisor.start();
    const [child] = children;
    const stopped = supervisor.stop();
    supervisor.kill();
    await stopped;
    expect(child && isSameProcess(child)).toBe(false);
  });
});
