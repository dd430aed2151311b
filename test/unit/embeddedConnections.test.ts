import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SegnoError } from '../../core/errors.js';
import { resolveConnections } from '../../workers/embedded/resolveConnections.js';
import { stackChildren } from '../../workers/embedded/stackChildren.js';
import { planStack } from '../../workers/embedded/stackPlan.js';
import { startStack, type Stack } from '../../workers/embedded/startStack.js';
import { prepareDbFile, markDbFileCreated, temporalServerArgs } from '../../workers/embedded/temporalServer.js';
import { exists, openWorkshop, touch, type Workshop } from './embeddedStandIn.js';

let shop: Workshop;
let stack: Stack | undefined;
beforeEach(() => {
  shop = openWorkshop();
});
afterEach(async () => {
  await stack?.stop();
  stack = undefined;
  shop.remove();
});

async function runStack(): Promise<void> {
  const children = () => [shop.spec('temporal'), shop.spec('ledger', { url: 'postgres://127.0.0.1:1/own' })];
  stack = await startStack({ dir: shop.dir, env: shop.env, children });
}

const resolve = (env: NodeJS.ProcessEnv = {}) => resolveConnections({ env: { ...shop.env, ...env }, dir: shop.dir });
const planned = async (env: NodeJS.ProcessEnv): Promise<string[]> =>
  stackChildren(await planStack({ dir: shop.dir, env: { ...shop.env, ...env } }, {})).map((spec) => spec.name);

describe('connections', () => {
  it('are none where nothing is named and nothing runs', () => {
    expect(resolve()).toEqual({});
  });

  it('come from the running stack', async () => {
    await runStack();
    expect(resolve()).toMatchObject({
      temporal: { origin: 'stack', address: stack?.addresses.temporal, namespace: 'default' },
      ledger: { origin: 'stack', url: 'postgres://127.0.0.1:1/own' },
    });
  });

  it('come from the environment before a running stack, each for itself', async () => {
    await runStack();
    expect(resolve({ DATABASE_URL: 'postgres://db.example/segno' })).toMatchObject({
      temporal: { origin: 'stack' },
      ledger: { origin: 'environment', url: 'postgres://db.example/segno' },
    });
  });

  it('honour namespace, API key and TLS of Temporal’s environment configuration', () => {
    const { temporal } = resolve({
      TEMPORAL_ADDRESS: 'ns.tmprl.cloud:7233',
      TEMPORAL_NAMESPACE: 'ns.abc',
      TEMPORAL_API_KEY: 'k',
    });
    expect(temporal).toMatchObject({ address: 'ns.tmprl.cloud:7233', namespace: 'ns.abc' });
    expect(temporal?.connectionOptions).toMatchObject({ apiKey: 'k', tls: true });
  });

  it('honour a profile file', () => {
    const file = shop.path('temporal.toml');
    writeFileSync(file, '[profile.prod]\naddress = "prod.example:7233"\nnamespace = "prod"\n');
    const { temporal } = resolve({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'prod' });
    expect(temporal).toMatchObject({ origin: 'environment', address: 'prod.example:7233', namespace: 'prod' });
  });

  it('never repeat a profile file’s content in an error', () => {
    const file = shop.path('temporal.toml');
    writeFileSync(file, '[profile.default]\napi_key = "secret-key" oops\n');
    let error: SegnoError | undefined;
    try {
      resolve({ TEMPORAL_CONFIG_FILE: file });
    } catch (thrown) {
      error = thrown as SegnoError;
    }
    expect(error?.type).toBe('Config.Invalid');
    expect(`${error?.message}${String(error?.cause)}`).not.toMatch(/secret-key/);
  });
});

describe('what a stack starts', () => {
  it('is everything where nothing is named from outside', async () => {
    expect(await planned({})).toEqual(['temporal', 'ledger', 'model', 'worker']);
  });

  it('leaves out what the environment names', async () => {
    expect(await planned({ TEMPORAL_ADDRESS: 'temporal.example:7233' })).toEqual(['ledger', 'model', 'worker']);
    expect(await planned({ DATABASE_URL: 'postgres://db.example/segno' })).toEqual(['temporal', 'model', 'worker']);
  });

  it('gives the worker the stack’s addresses and none of the settings meant for another server', async () => {
    const env = { ...shop.env, TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'true', TEMPORAL_NAMESPACE: 'mine' };
    const plan = await planStack({ dir: shop.dir, env }, {});
    const worker = stackChildren(plan).find((spec) => spec.name === 'worker');
    const ready = { temporal: {}, ledger: { url: 'postgres://there' }, model: { url: 'http://there/v1' } };
    const command = await worker?.command({}, new AbortController().signal);
    const { PATH: _path, HOME: _home, ...given } = command?.env ?? {};
    expect(given).toEqual({});
    expect(worker?.connections?.(ready)).toEqual({
      TEMPORAL_ADDRESS: `127.0.0.1:${plan.ports.get('temporal')}`,
      TEMPORAL_NAMESPACE: 'mine',
      TEMPORAL_CONFIG_FILE: expect.stringMatching(/no-temporal-profiles\.toml$/),
      DATABASE_URL: 'postgres://there',
      SEGNO_OFFLINE_MODEL_URL: 'http://there/v1',
      SEGNO_METRICS_PORT: String(plan.ports.get('metrics')),
      SEGNO_CHAOS_FILE: join(shop.dir, '.segno/chaos.json'),
    });
  });

  it.each([
    { TEMPORAL_ADDRESS: 'temporal.example:7233' },
    { DATABASE_URL: 'postgres://db.example/segno' },
    { SEGNO_OFFLINE_MODEL_URL: 'http://model.example/v1' },
  ])('hands no faults over where something is used from outside: %j', async (outside) => {
    const plan = await planStack({ dir: shop.dir, env: { ...shop.env, ...outside } }, {});
    const children = stackChildren(plan);
    const worker = children.find((spec) => spec.name === 'worker');
    const ready = { ledger: { url: 'postgres://there' }, model: { url: 'http://there/v1' } };
    expect(worker?.connections?.(ready)).not.toHaveProperty('SEGNO_CHAOS_FILE');
    const model = await children.find((spec) => spec.name === 'model')?.command({}, new AbortController().signal);
    expect(model?.args.join(' ') ?? '').not.toContain('chaos');
  });
});

describe('the Temporal server', () => {
  it('is bound to this machine and tuned', () => {
    const args = temporalServerArgs({ dbFile: '/p/t.db', port: 1, uiPort: 2, namespace: 'default' }).join(' ');
    expect(args).toMatch(/--ip 127\.0\.0\.1 --port 1 --ui-port 2 --db-filename \/p\/t\.db/);
    expect(args).toMatch(/journal_mode=WAL .*synchronous=NORMAL/);
    expect(args).toMatch(/history\.transferProcessorMaxPollRPS=10000/);
  });

  it('sets a database aside that never was ready, and keeps one that was', () => {
    const dbFile = join(shop.path('.segno'), 'temporal.db');
    mkdirSync(shop.path('.segno'));
    touch(dbFile);
    prepareDbFile(dbFile);
    expect(exists(dbFile)).toBe(false);
    touch(dbFile);
    markDbFileCreated(dbFile);
    prepareDbFile(dbFile);
    expect(exists(dbFile)).toBe(true);
  });
});
