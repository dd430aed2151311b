import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachToStack } from '../../workers/embedded/attachments.js';
import { chooseFreePort } from '../../workers/embedded/freePort.js';
import { planStack } from '../../workers/embedded/stackPlan.js';
import { readStack, type StackState } from '../../workers/embedded/stackState.js';
import { startStack, type Stack, type StackNotice, type StartStackOptions } from '../../workers/embedded/startStack.js';
import { withStack } from '../../workers/embedded/withStack.js';
import { hostId, isSameProcess, processStartedAt } from '../../workers/processIdentity.js';
import {
  openWorkshop,
  startSupervisorProcess,
  touch,
  until,
  type StandInBehaviour,
  type Workshop,
} from './embeddedStandIn.js';

let shop: Workshop;
let stacks: Stack[];
let events: StackNotice[];
beforeEach(() => {
  shop = openWorkshop();
  stacks = [];
  events = [];
});
afterEach(async () => {
  await Promise.all(stacks.map((stack) => stack.stop()));
  shop.remove();
});

const options = (standIns: Record<string, StandInBehaviour> = { temporal: {} }): StartStackOptions => ({
  dir: shop.dir,
  env: shop.env,
  onEvent: (event) => events.push(event),
  children: () => Object.entries(standIns).map(([name, behaviour]) => shop.spec(name, behaviour)),
});

async function start(standIns?: Record<string, StandInBehaviour>): Promise<Stack> {
  const stack = await startStack(options(standIns));
  stacks.push(stack);
  return stack;
}

const savedState = (): StackState => JSON.parse(readFileSync(shop.path('.segno/stack.json'), 'utf8')) as StackState;

async function listenOn(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

const portOf = (server: Server): number => (server.address() as { port: number }).port;

describe('stack.json', () => {
  it('names processes and addresses while the stack runs, for its user alone', async () => {
    await start({ temporal: {}, ledger: { url: 'postgres://127.0.0.1:1/segno' } });
    const state = readStack(shop.dir);
    expect(state).toMatchObject({ pid: process.pid, status: 'ready' });
    expect(state?.addresses.ledger).toBe('postgres://127.0.0.1:1/segno');
    expect(state?.children.map((child) => child.name).toSorted()).toEqual(['ledger', 'temporal']);
    expect(state?.children.every(isSameProcess)).toBe(true);
    expect(statSync(shop.path('.segno/stack.json')).mode & 0o777).toBe(0o600);
  });

  it('is no running stack any more once that was stopped', async () => {
    const stack = await start();
    await stack.stop();
    expect(readStack(shop.dir)).toBeUndefined();
    expect(savedState()).toMatchObject({ status: 'stopped', children: [], addresses: {} });
  });

  it('follows a restarted child', async () => {
    await start();
    const before = savedState().children[0]?.pid ?? -1;
    process.kill(before, 'SIGKILL');
    await until('another process is named', () => (savedState().children[0]?.pid ?? before) !== before);
  });
});

describe('a second start in the same folder', () => {
  it('fails and says pid, since when and where', async () => {
    await start({ ledger: { url: 'postgres://127.0.0.1:1/segno' } });
    const error: unknown = await startStack(options()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ type: 'Stack.Held', details: { pid: process.pid } });
    expect((error as Error).message).toMatch(
      new RegExp(`process ${process.pid}, since \\d{4}-.*\\n.*postgres://127\\.0\\.0\\.1:1/segno`),
    );
  });

  it('wins exactly once when many race', async () => {
    const attempts = await Promise.allSettled(Array.from({ length: 6 }, () => start()));
    expect(attempts.filter((attempt) => attempt.status === 'fulfilled')).toHaveLength(1);
    expect(shop.diary().filter((line) => line === 'temporal started')).toHaveLength(1);
  });
});

describe('after a kill -9 of the supervisor', () => {
  it('the next start ends what it left and starts afresh', async () => {
    const killed = await startSupervisorProcess(shop, { temporal: { survivesParent: true }, worker: {} });
    const [orphan, worker] = savedState().children;
    await killed.kill();
    expect(readStack(shop.dir)).toBeUndefined();
    await until('the worker ends by itself', () => !isSameProcess(worker!));
    expect(shop.diary()).toContain('worker orphaned');
    await start();
    expect(orphan && isSameProcess(orphan)).toBe(false);
    expect(events).toContainEqual({ kind: 'cleaned', orphans: [expect.objectContaining({ name: 'temporal' })] });
    expect(savedState().children).toHaveLength(1);
  }, 30_000);

  it('cleans up too when it was killed while it started', async () => {
    const never = shop.path('never');
    const starting = startSupervisorProcess(shop, { temporal: { survivesParent: true, readyWhen: never } });
    starting.catch(() => undefined);
    await until('the child runs', () => shop.diary().includes('temporal started'));
    const { pid, children } = savedState();
    process.kill(pid, 'SIGKILL');
    await starting.catch(() => undefined);
    await start();
    expect(children.some(isSameProcess)).toBe(false);
  }, 30_000);

  it('a process that has an orphan’s pid by now is left alone', async () => {
    const elsewhere = openWorkshop();
    const bystander = await startSupervisorProcess(elsewhere, {});
    const started = processStartedAt(bystander.pid);
    mkdirSync(shop.path('.segno'));
    const children = [{ name: 'temporal', pid: bystander.pid, processStartedAt: `${Number(started) - 1}` }];
    const stale = { version: 1, pid: 1, processStartedAt: '0', hostId: hostId(), status: 'ready', children, ports: {} };
    writeFileSync(shop.path('.segno/stack.json'), JSON.stringify(stale));
    await start();
    expect(isSameProcess({ pid: bystander.pid, processStartedAt: started ?? '' })).toBe(true);
    await bystander.kill();
    elsewhere.remove();
  }, 30_000);
});

describe('ports', () => {
  it('avoids a port that is taken and one that is promised', async () => {
    const other = await listenOn(0);
    const taken = new Set<number>();
    const chosen = await chooseFreePort([portOf(other)], taken);
    expect(chosen).not.toBe(portOf(other));
    expect(await chooseFreePort([chosen], taken)).not.toBe(chosen);
    other.close();
  });

  it('asks for the same ones again in the same folder, unless somebody has them', async () => {
    const first = await start();
    const { ports } = savedState();
    await first.stop();
    const other = await listenOn(ports.ledger ?? 0);
    await (await start()).stop();
    expect(savedState().ports).toMatchObject({ temporal: ports.temporal, model: ports.model });
    expect(savedState().ports.ledger).not.toBe(ports.ledger);
    other.close();
  });

  it('keeps the port of a server that did not come up, unless somebody took it', async () => {
    const { ports } = await planStack({ dir: shop.dir, env: shop.env, anyPorts: true }, {});
    const chosen = ports.get('temporal');
    await ports.renew('temporal');
    expect(ports.get('temporal')).toBe(chosen);
    const other = await listenOn(chosen);
    await ports.renew('temporal');
    expect(ports.get('temporal')).not.toBe(chosen);
    other.close();
  });
});

describe('a start that does not succeed', () => {
  it('leaves the folder free and nothing running', async () => {
    await expect(start({ temporal: {}, worker: { exitCode: 1 } })).rejects.toThrow(/worker ended/);
    expect(savedState()).toMatchObject({ status: 'stopped', children: [] });
    await start();
  });

  it('is stopped by its signal', async () => {
    const abort = new AbortController();
    const standIns = { temporal: {}, ledger: { readyWhen: shop.path('never') } };
    const starting = startStack({ ...options(standIns), signal: abort.signal });
    await until('temporal is ready', () => shop.diary().includes('temporal ready'));
    abort.abort(new Error('Ctrl-C'));
    await expect(starting).rejects.toThrow('Ctrl-C');
    expect(savedState()).toMatchObject({ status: 'stopped', children: [] });
  });
});

describe('a stop while the stack starts', () => {
  it('is not undone by a child that gets ready on its way out', async () => {
    const abort = new AbortController();
    const standIns = { worker: { readyWhen: shop.path('never'), readyOnTerm: true } };
    const starting = startStack({ ...options(standIns), signal: abort.signal });
    await until('the worker runs', () => shop.diary().includes('worker started') && savedState().children.length > 0);
    await until('it listens', () => shop.diary().includes('worker listening'));
    abort.abort(new Error('Ctrl-C'));
    await expect(starting).rejects.toThrow('Ctrl-C');
    expect(shop.diary()).toContain('worker ready');
  });
});

describe('with a stack for one run', () => {
  const wholeStack = { temporal: {}, ledger: { url: 'postgres://127.0.0.1:1/segno' } };

  it('brings it up, hands over its addresses, and stops it', async () => {
    const seen = await withStack(options(wholeStack), async ({ temporal, ledger }) => [temporal.origin, ledger.url]);
    expect(seen).toEqual(['stack', 'postgres://127.0.0.1:1/segno']);
    expect(shop.diary().filter((line) => line.endsWith('ended'))).toHaveLength(2);
  });

  it('stops it as well when the run fails', async () => {
    const failing = withStack(options(wholeStack), () => Promise.reject(new Error('the run failed')));
    await expect(failing).rejects.toThrow('the run failed');
    expect(readStack(shop.dir)).toBeUndefined();
  });

  it('uses one that runs and leaves it running', async () => {
    await start(wholeStack);
    await withStack(options(wholeStack), async ({ ledger }) => expect(ledger.origin).toBe('stack'));
    expect(readStack(shop.dir)?.status).toBe('ready');
  });

  it('starts nothing when the environment names Temporal and the ledger', async () => {
    const env = { ...shop.env, TEMPORAL_ADDRESS: 'temporal.example:7233', DATABASE_URL: 'postgres://db.example/segno' };
    const origins = await withStack({ ...options(), env }, async ({ temporal, ledger }) => [
      temporal.origin,
      ledger.origin,
    ]);
    expect(origins).toEqual(['environment', 'environment']);
    expect(shop.diary()).toEqual([]);
  });

  it('is shared by two runs that begin at once and stays until both are done', async () => {
    const done: string[] = [];
    const gate = shop.path('gate');
    const run = (name: string, work: () => Promise<void>): Promise<unknown> =>
      withStack(options(wholeStack), async () => {
        await work();
        expect(readStack(shop.dir)?.addresses.ledger).toBeDefined();
        done.push(name);
      });
    const long = run('long', () => until('the gate is open', () => readdirSync(shop.dir).includes('gate')));
    await until('the stack starts', () => shop.diary().includes('temporal started'));
    const short = run('short', async () => touch(gate));
    await Promise.all([long, short]);
    expect(done.toSorted()).toEqual(['long', 'short']);
    expect(shop.diary().filter((line) => line === 'temporal started')).toHaveLength(1);
  });

  it('waits for others before it stops what it brought up', async () => {
    let detach = (): void => undefined;
    const waiting: number[] = [];
    const onWaitingForOthers = (count: number): void => {
      waiting.push(count);
      detach();
    };
    await withStack({ ...options(wholeStack), onWaitingForOthers }, async () => {
      detach = attachToStack(shop.dir);
    });
    expect(waiting).toEqual([1]);
  });
});
