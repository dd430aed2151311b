/**
 * What `segno doctor` looks at, as data: each check stands for itself and takes everything from its context.
 *
 * Invariants:
 * 1. A check never throws for what it is there to find; what it throws is shown as its failure.
 * 2. No secret in a message: keys are named by their variable, databases without their password.
 * 3. Every warning and failure says how to mend it.
 */
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { usesProviders, type ProviderConfig, type ResolvedConfig } from '../../core/config.js';
import { ledgerVersion, openLedger } from '../../ledger/index.js';
import { findGo } from '../../workers/embedded/buildTemporal.js';
import { isFreePort } from '../../workers/embedded/freePort.js';
import type { Connections } from '../../workers/embedded/resolveConnections.js';
import { usualPorts } from '../../workers/embedded/stackPlan.js';
import type { StackState } from '../../workers/embedded/stackState.js';
import { findInstalledTemporal } from '../../workers/embedded/temporalBinary.js';
import { temporalDownloads } from '../../workers/embedded/temporalRelease.js';
import { withoutPassword } from './stackReport.js';

export interface CheckResult {
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** How to mend it; always there unless ok. */
  readonly fix?: string;
}

export interface DoctorContext {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly nodeVersion: string;
  readonly connections: Connections;
  readonly stack: StackState | undefined;
  /** The project's config, or why there is none. */
  readonly config: ResolvedConfig | { readonly fault: string; readonly missing: boolean };
  readonly fetch: typeof fetch;
}

export interface Check {
  readonly name: string;
  run(context: DoctorContext): Promise<CheckResult>;
}

export const doctorChecks: readonly Check[] = [
  { name: 'Node', run: checkNode },
  { name: 'Config', run: checkConfig },
  { name: 'Temporal', run: checkTemporal },
  { name: 'Ledger', run: checkLedger },
  { name: 'Models', run: checkModels },
  { name: 'Ports', run: checkPorts },
  { name: 'Packages', run: checkPackages },
  { name: 'Disk', run: checkDisk },
];

const answerTimeoutMs = 5_000;
const gigabyte = 1_000_000_000;

const ok = (message: string): CheckResult => ({ status: 'ok', message });
const warn = (message: string, fix: string): CheckResult => ({ status: 'warn', message, fix });
const fail = (message: string, fix: string): CheckResult => ({ status: 'fail', message, fix });

export async function checkNode({ nodeVersion }: DoctorContext): Promise<CheckResult> {
  const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return ok(`Node ${nodeVersion}`);
  return fail(`Node ${nodeVersion} is too old.`, 'Install Node 20.19 or later: https://nodejs.org');
}

export async function checkConfig({ config }: DoctorContext): Promise<CheckResult> {
  if (!('fault' in config)) {
    return ok(`${config.agents.size} agents, ${config.tools.size} tools, task queue ${config.taskQueue}`);
  }
  if (config.missing) return warn(config.fault, 'Run it in a project’s folder, or name the config with --config.');
  return fail(config.fault, 'Correct what the message names.');
}

export async function checkTemporal(context: DoctorContext): Promise<CheckResult> {
  const { temporal } = context.connections;
  if (!temporal) return checkTemporalBinary(context);
  const { address, namespace, origin } = temporal;
  const what = `${address}, namespace ${namespace}${origin === 'stack' ? ', of the running stack' : ', from the environment'}`;
  const connection = Connection.lazy({ ...temporal.connectionOptions, connectTimeout: answerTimeoutMs });
  try {
    return await connection.withDeadline(Date.now() + answerTimeoutMs, async () => {
      await connection.ensureConnected();
      const { serverVersion } = await connection.workflowService.getSystemInfo({});
      await connection.workflowService.describeNamespace({ namespace });
      return ok(`server ${serverVersion} at ${what}`);
    });
  } catch (error) {
    const fix =
      origin === 'stack'
        ? 'See .segno/logs/temporal.log, and start `segno dev` anew.'
        : 'Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and its keys, or unset them to use the embedded server.';
    return fail(`The server at ${what} does not answer as it should: ${reasonOf(error)}`, fix);
  } finally {
    await connection.close();
  }
}

async function checkTemporalBinary({ env, fetch }: DoctorContext): Promise<CheckResult> {
  const binary = await findInstalledTemporal(env);
  if (binary) return ok(`${binary.version} at ${binary.path}`);
  const [download] = temporalDownloads();
  if (download && (await answers(fetch, download.url))) {
    return warn(
      'No Temporal is installed; the first `segno dev` downloads it.',
      'Do it now: segno doctor --install-temporal',
    );
  }
  const go = await findGo(env);
  if (go !== undefined) {
    return warn(
      `No Temporal is installed and its download is out of reach; the first \`segno dev\` builds it with Go ${go} (3 to 6 minutes, once).`,
      'Do it now: segno doctor --install-temporal',
    );
  }
  return fail(
    'No Temporal is installed, its download is out of reach, and there is no Go to build it.',
    'Install the Temporal CLI (https://docs.temporal.io/cli), or Go 1.25 or later, or set TEMPORAL_ADDRESS.',
  );
}

export async function checkLedger({ connections }: DoctorContext): Promise<CheckResult> {
  const at = connections.ledger;
  if (!at) return ok('embedded (PGlite in .segno/ledger); it starts with `segno dev`');
  const where = withoutPassword(at.url);
  let version: number;
  try {
    version = await readLedgerVersion(at.url);
  } catch (error) {
    const fix =
      at.origin === 'stack'
        ? 'See .segno/logs/ledger.log, and start `segno dev` anew.'
        : 'Check DATABASE_URL and that the database runs, or unset it to use the embedded one.';
    return fail(`The database at ${where} cannot be used: ${reasonOf(error)}`, fix);
  }
  if (version > ledgerVersion) {
    return fail(`The ledger at ${where} has schema ${version}; this Segno knows ${ledgerVersion}.`, 'Update Segno.');
  }
  if (version < ledgerVersion) {
    return warn(`The ledger at ${where} has schema ${version} of ${ledgerVersion}.`, 'Start a worker: it migrates.');
  }
  return ok(`schema ${version} at ${where}`);
}

async function readLedgerVersion(connectionString: string): Promise<number> {
  const ledger = await openLedger({ connectionString, maxConnections: 1, connectTimeoutMs: answerTimeoutMs });
  try {
    const { rows } = await ledger.query<{ there: boolean }>(
      `select to_regclass('segno.migrations') is not null as there`,
    );
    if (!rows[0]?.there) return 0;
    const versions = await ledger.query<{ version: number }>('select max(version) as version from segno.migrations');
    return versions.rows[0]?.version ?? 0;
  } finally {
    await ledger.close();
  }
}

export async function checkModels(context: DoctorContext): Promise<CheckResult> {
  const { config } = context;
  if ('fault' in config) return ok('not checked without a config');
  if (!usesProviders(config.models)) {
    return ok('no provider is configured: the offline model answers, which is no language model');
  }
  const used = new Set(Object.values(config.models).map(({ provider }) => provider));
  const providers = Object.entries(config.providers).filter(([name]) => used.has(name));
  const results = await Promise.all(providers.map(([name, provider]) => checkProvider(name, provider, context)));
  const worst = results.find(({ status }) => status === 'fail') ?? results.find(({ status }) => status === 'warn');
  const message = results.map((result) => result.message).join('; ');
  return worst ? { ...worst, message } : ok(message);
}

async function checkProvider(
  name: string,
  provider: ProviderConfig,
  { env, fetch }: DoctorContext,
): Promise<CheckResult> {
  const { apiKeyEnv, baseURL = 'https://api.openai.com/v1', headers } = provider;
  const key = apiKeyEnv === undefined ? undefined : env[apiKeyEnv];
  if (apiKeyEnv !== undefined && !key)
    return fail(`${name}: ${apiKeyEnv} is not set`, `Set ${apiKeyEnv} to the API key.`);
  const url = `${baseURL.replace(/\/$/, '')}/models`;
  let status: number;
  try {
    const response = await fetch(url, {
      headers: { ...headers, ...(key && { authorization: `Bearer ${key}` }) },
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    status = response.status;
    await response.body?.cancel();
  } catch (error) {
    return fail(`${name}: no answer from ${url} (${reasonOf(error)})`, 'Check baseURL and the network.');
  }
  if (status === 401 || status === 403) {
    return fail(
      `${name}: the API key is refused (HTTP ${status})`,
      `Check ${apiKeyEnv ?? 'whether it needs apiKeyEnv'}.`,
    );
  }
  if (status >= 400)
    return warn(
      `${name}: GET ${url} answers HTTP ${status}`,
      'Fine if the provider has no such page; else check baseURL.',
    );
  return ok(`${name}: reachable${apiKeyEnv ? `, ${apiKeyEnv} accepted` : ''}`);
}

export async function checkPorts({ stack }: DoctorContext): Promise<CheckResult> {
  if (stack) return ok(`in use by the running stack (process ${stack.pid})`);
  const taken: number[] = [];
  for (const port of Object.values(usualPorts)) if (!(await isFreePort(port))) taken.push(port);
  if (taken.length === 0) return ok(`${Object.values(usualPorts).join(', ')} are free`);
  return ok(`${taken.join(', ')} in use by others; free ones are chosen instead`);
}

export async function checkPackages({ dir }: DoctorContext): Promise<CheckResult> {
  const require = createRequire(join(dir, 'package.json'));
  let version: string;
  try {
    version = (require('protobufjs/package.json') as { version: string }).version;
  } catch {
    return ok('protobufjs is not hoisted');
  }
  if (Number(version.split('.')[0]) >= 8) return ok(`protobufjs ${version}`);
  return fail(
    `protobufjs ${version} is what packages of this project find; with it, replaying a history fails with "type must be a Type".`,
    'npm install protobufjs@^8.7.1',
  );
}

export async function checkDisk({ dir }: DoctorContext): Promise<CheckResult> {
  const { bavail, bsize } = await statfs(dir);
  const freeGigabytes = (bavail * bsize) / gigabyte;
  const message = `${freeGigabytes.toFixed(1)} GB free`;
  if (freeGigabytes >= 5) return ok(message);
  const fix = 'Free some: histories and the ledger grow in .segno/, a build of Temporal takes up to 4 GB once.';
  return freeGigabytes >= 0.5 ? warn(message, fix) : fail(message, fix);
}

async function answers(get: typeof fetch, url: string): Promise<boolean> {
  try {
    const response = await get(url, { method: 'HEAD', signal: AbortSignal.timeout(answerTimeoutMs) });
    return response.ok;
  } catch {
    return false;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && cause.message ? `${message}: ${cause.message}` : message;
}
