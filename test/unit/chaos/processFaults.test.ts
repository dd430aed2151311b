import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActiveRule, ChaosRule } from '../../../core/chaos/rule.js';
import { resolveConfig } from '../../../core/config.js';
import { developmentStack } from '../../../workers/chaos/developmentStack.js';
import { chaosFile, readStrikes, writeRules } from '../../../workers/chaos/rulesFile.js';
import { readStack } from '../../../workers/embedded/stackState.js';
import { startStack, type Stack, type StackNotice } from '../../../workers/embedded/startStack.js';
import { openWorkshop, until, type Workshop } from '../embeddedStandIn.js';

let shop: Workshop;
let stack: Stack | undefined;
let events: StackNotice[];
beforeEach(() => {
  shop = openWorkshop();
  events = [];
});
afterEach(async () => {
  await stack?.stop();
  stack = undefined;
  shop.remove();
});

const addresses = { ledger: { url: 'postgres://127.0.0.1:1/segno' }, model: { url: 'http://127.0.0.1:1/v1' } };

async function start(): Promise<string> {
  const children = { temporal: {}, ...addresses, worker: {} };
  stack = await startStack({
    dir: shop.dir,
    env: shop.env,
    onEvent: (event) => events.push(event),
    children: () => Object.entries(children).map(([name, behaviour]) => shop.spec(name, behaviour)),
  });
  return chaosFile(join(shop.dir, '.segno'));
}

const active = (rule: ChaosRule, forMs: number): ActiveRule => {
  const startsAtMs = Date.now();
  return { id: `${rule.at}-${rule.fault as string}`, rule, seed: 1, startsAtMs, endsAtMs: startsAtMs + forMs };
};
const pidOf = (name: string): number => readStack(shop.dir)?.children.find((child) => child.name === name)?.pid ?? 0;
/** The state letter of /proc: T is stopped. */
const isStopped = (pid: number): boolean => /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
const starts = (name: string): number => shop.diary().filter((line) => line === `${name} started`).length;

describe('faults of processes', () => {
  it('kill the named child, which comes back, and nothing else', async () => {
    const file = await start();
    const [worker, ledger] = [pidOf('worker'), pidOf('ledger')];
    writeRules(file, [active({ at: 'worker', fault: 'kill' }, 1_000)]);
    await until('another worker runs', () => ![0, worker].includes(pidOf('worker')));
    expect(pidOf('ledger')).toBe(ledger);
    expect(readStrikes(file).map(({ rule, at, fault }) => [rule, at, fault])).toEqual([
      ['worker-kill', 'worker', 'kill'],
    ]);
  });

  it.runIf(process.platform === 'linux')('pause a child until the rule is taken away', async () => {
    const file = await start();
    const ledger = pidOf('ledger');
    writeRules(file, [active({ at: 'ledger', fault: 'pause' }, 60_000)]);
    await until('it is stopped', () => isStopped(ledger));
    writeRules(file, []);
    await until('it goes on', () => !isStopped(ledger));
    expect(pidOf('ledger')).toBe(ledger);
  });

  it.runIf(process.platform === 'linux')('let a paused child go on when the stack is stopped', async () => {
    const file = await start();
    const ledger = pidOf('ledger');
    writeRules(file, [active({ at: 'ledger', fault: 'pause' }, 60_000)]);
    await until('it is stopped', () => isStopped(ledger));
    await stack?.stop();
    expect(shop.diary()).toContain('ledger termed');
  });

  it('are no reason for the stack to give up', async () => {
    const file = await start();
    for (let kill = 1; kill <= 3; kill += 1) {
      const before = starts('worker');
      writeRules(file, [{ ...active({ at: 'worker', fault: 'kill' }, 1_000), id: `kill-${kill}` }]);
      await until('it is back', () => starts('worker') > before && pidOf('worker') !== 0);
    }
    // Deaths of the child's own would wait 0.1, 0.2, 0.4 s, … and then no more.
    expect(events.flatMap((event) => (event.kind === 'died' ? [event.restartInMs] : []))).toEqual([100, 100, 100]);
  });

  it('are taken away by the start of a stack', async () => {
    const file = chaosFile(join(shop.dir, '.segno'));
    writeRules(file, [active({ at: 'worker', fault: 'kill' }, 60_000)]);
    await start();
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe('what faults may be injected into', () => {
  const offline = resolveConfig({ workflows: './workflow.ts' });
  const why = (env: NodeJS.ProcessEnv = shop.env, config = offline): unknown => {
    try {
      return developmentStack(shop.dir, env, config).pid;
    } catch (error) {
      return error;
    }
  };

  it('is a stack that runs', async () => {
    expect(why()).toMatchObject({ type: 'Stack.NotRunning' });
    await start();
    expect(why()).toBe(process.pid);
  });

  it.each([
    [{ TEMPORAL_ADDRESS: 'temporal.example:7233' }, 'the environment names Temporal'],
    [{ DATABASE_URL: 'postgres://db.example/segno' }, 'the environment names the ledger'],
    [{ SEGNO_OFFLINE_MODEL_URL: 'http://model.example/v1' }, 'the environment names the model'],
  ])('is none beside an environment with %j', (env, message) => {
    expect(why({ ...shop.env, ...env })).toMatchObject({
      type: 'Chaos.Refused',
      message: expect.stringContaining(message) as string,
    });
  });

  it('is none that was started with something from outside', async () => {
    stack = await startStack({ dir: shop.dir, env: shop.env, children: () => [shop.spec('temporal')] });
    expect(why()).toMatchObject({
      type: 'Chaos.Refused',
      message: expect.stringMatching(/started with the ledger and the model from outside/) as string,
    });
  });

  it('is none of a project whose models are served by a provider', () => {
    const paid = resolveConfig({
      workflows: './workflow.ts',
      providers: { dear: { apiKeyEnv: 'KEY' } },
      models: { default: { provider: 'dear', model: 'm' } },
    });
    expect(why(shop.env, paid)).toMatchObject({
      type: 'Chaos.Refused',
      message: expect.stringContaining('models.default by dear') as string,
    });
  });
});
