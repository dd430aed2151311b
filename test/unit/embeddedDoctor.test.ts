import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderResults, runChecks } from '../../cli/commands/doctor.js';
import {
  checkConfig,
  checkDisk,
  checkLedger,
  checkModels,
  checkNode,
  checkPackages,
  checkTemporal,
  type DoctorContext,
} from '../../cli/commands/doctorChecks.js';
import { noticeLine, stackJson, stackTable, withoutPassword } from '../../cli/commands/stackReport.js';
import { resolveConfig } from '../../core/config.js';
import { openWorkshop, type Workshop } from './embeddedStandIn.js';

let shop: Workshop;
beforeEach(() => {
  shop = openWorkshop();
});
afterEach(() => shop.remove());

const config = resolveConfig({
  workflows: './workflow.ts',
  models: { default: { provider: 'acme', model: 'm' } },
  providers: { acme: { baseURL: 'http://acme.example/v1', apiKeyEnv: 'ACME_KEY' } },
});

function context(change: Partial<DoctorContext> = {}): DoctorContext {
  return {
    dir: shop.dir,
    env: shop.env,
    nodeVersion: 'v20.20.2',
    connections: {},
    stack: undefined,
    config,
    fetch: () => Promise.reject(new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND') })),
    ...change,
  };
}

const answering = (status: number, seen: RequestInit[] = []): typeof fetch =>
  ((_url: string, init: RequestInit) => {
    seen.push(init);
    return Promise.resolve(new Response('{}', { status }));
  }) as typeof fetch;

describe('doctor', () => {
  it('wants Node 20.19 or later', async () => {
    expect(await checkNode(context({ nodeVersion: 'v20.18.3' }))).toMatchObject({ status: 'fail' });
    expect(await checkNode(context({ nodeVersion: 'v20.19.0' }))).toMatchObject({ status: 'ok' });
    expect(await checkNode(context({ nodeVersion: 'v24.1.0' }))).toMatchObject({ status: 'ok' });
  });

  it('warns of a missing config and fails on a faulty one', async () => {
    expect(await checkConfig(context({ config: { fault: 'none here', missing: true } }))).toMatchObject({
      status: 'warn',
    });
    expect(await checkConfig(context({ config: { fault: 'models: …', missing: false } }))).toMatchObject({
      status: 'fail',
    });
  });

  it('fails with the ways out when there is no Temporal and no way to one', async () => {
    const result = await checkTemporal(context({ env: { HOME: shop.dir, PATH: '' } }));
    expect(result.status).toBe('fail');
    expect(result.fix).toMatch(/Install the Temporal CLI .*Go 1\.25.*TEMPORAL_ADDRESS/);
  });

  it('warns that the first start downloads Temporal where it can', async () => {
    expect(
      (await checkTemporal(context({ env: { HOME: shop.dir, PATH: '' }, fetch: answering(200) }))).message,
    ).toMatch(/downloads it/);
  });

  it('fails on a Temporal server that does not answer', async () => {
    const address = '127.0.0.1:1';
    const connections = {
      temporal: { origin: 'environment' as const, address, namespace: 'default', connectionOptions: { address } },
    };
    const result = await checkTemporal(context({ connections }));
    expect(result).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/127\.0\.0\.1:1, namespace default/),
    });
    expect(result.fix).toMatch(/TEMPORAL_ADDRESS/);
  }, 15_000);

  it('fails on a database that does not answer, without its password', async () => {
    const connections = { ledger: { origin: 'environment' as const, url: 'postgres://me:geheim@127.0.0.1:1/x' } };
    const result = await checkLedger(context({ connections }));
    expect(result.status).toBe('fail');
    expect(JSON.stringify(result)).not.toMatch(/geheim/);
  });

  it('names the variable of a missing API key', async () => {
    expect(await checkModels(context())).toMatchObject({ status: 'fail', fix: 'Set ACME_KEY to the API key.' });
  });

  it('asks the provider for its models with the key, and never shows it', async () => {
    const seen: RequestInit[] = [];
    const env = { ...shop.env, ACME_KEY: 'sk-geheim' };
    const accepted = await checkModels(context({ env, fetch: answering(200, seen) }));
    expect(accepted.status).toBe('ok');
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer sk-geheim' });
    const refused = await checkModels(context({ env, fetch: answering(401) }));
    expect(refused).toMatchObject({ status: 'fail', fix: 'Check ACME_KEY.' });
    expect(JSON.stringify([accepted, refused])).not.toMatch(/geheim/);
  });

  it('says why a provider cannot be reached', async () => {
    const env = { ...shop.env, ACME_KEY: 'k' };
    expect((await checkModels(context({ env }))).message).toMatch(/acme\.example.*ENOTFOUND/);
  });

  it('says that the offline model answers when no provider is configured', async () => {
    const offline = resolveConfig({ workflows: './workflow.ts' });
    expect((await checkModels(context({ config: offline }))).message).toMatch(/offline model/);
  });

  it('fails on a hoisted protobufjs 7, which breaks replay', async () => {
    mkdirSync(shop.path('node_modules/protobufjs'), { recursive: true });
    const manifest = (version: string): void =>
      writeFileSync(shop.path('node_modules/protobufjs/package.json'), JSON.stringify({ name: 'protobufjs', version }));
    manifest('7.5.3');
    expect(await checkPackages(context())).toMatchObject({ status: 'fail', fix: 'npm install protobufjs@^8.7.1' });
  });

  it('accepts protobufjs 8', async () => {
    mkdirSync(shop.path('node_modules/protobufjs'), { recursive: true });
    writeFileSync(shop.path('node_modules/protobufjs/package.json'), JSON.stringify({ version: '8.8.1' }));
    expect(await checkPackages(context())).toMatchObject({ status: 'ok' });
  });

  it('looks at the disk', async () => {
    expect((await checkDisk(context())).message).toMatch(/GB free/);
  });

  it('shows a check that throws as failed, beside the others', async () => {
    const checks = [
      { name: 'broken', run: () => Promise.reject(new Error('oops')) },
      { name: 'fine', run: () => Promise.resolve({ status: 'ok', message: 'good' } as const) },
    ];
    const results = await runChecks(checks, context());
    expect(results.map(({ status }) => status)).toEqual(['fail', 'ok']);
    expect(renderResults(results, false)).toMatch(/FAIL {2}broken {2}oops\n.*→ .*\nok {4}fine {4}good/);
  });
});

describe('what segno dev shows', () => {
  const running = {
    addresses: { temporal: '127.0.0.1:7233', temporalUi: 'http://127.0.0.1:8233', ledger: 'postgres://a:geheim@h/d' },
    namespace: 'default',
    pid: 7,
  };

  it('is a table of what runs where, without colour off a terminal and without passwords', () => {
    const table = stackTable(running, { Model: 'http://outside/v1' }, false);
    expect(table).toMatch(/Temporal UI +http:\/\/127\.0\.0\.1:8233/);
    expect(table).toMatch(/Model +http:\/\/outside\/v1 +from the environment/);
    expect(table).not.toMatch(/\x1b|geheim/);
  });

  it('is one line of JSON with every address', () => {
    const line = stackJson(running, {});
    expect(line).not.toMatch(/\n/);
    expect(JSON.parse(line)).toMatchObject({ ready: true, pid: 7, temporal: '127.0.0.1:7233' });
  });

  it('says when a part dies and when it is back, and nothing of ordinary starts', () => {
    const exit = { code: null, signal: 'SIGKILL' as const };
    expect(noticeLine({ kind: 'died', name: 'worker', exit, restartInMs: 100 }, false)).toMatch(
      /worker ended \(SIGKILL\)/,
    );
    expect(noticeLine({ kind: 'ready', name: 'worker', afterMs: 900, restarted: true }, false)).toMatch(/is back/);
    expect(noticeLine({ kind: 'starting', name: 'worker' }, false)).toBeUndefined();
  });

  it('hides what is no URL at all', () => {
    expect(withoutPassword('host=db password=geheim')).not.toMatch(/geheim/);
  });
});
