/** The processes of the embedded stack, in the order they need: Temporal, ledger and model; beside them the worker loads. */
import { join } from 'node:path';
import { chaosFileVariable } from '../chaos/rulesFile.js';
import { readJsonLine, type ChildCommand, type ChildSpec, type ReadyChildren } from './childSpec.js';
import { entryPoint } from './entryPoint.js';
import { findTemporal } from './temporalBinary.js';
import { userCacheDir } from './temporalRelease.js';
import { chaosFileOf, type StackPlan } from './stackPlan.js';
import { stackDir, type StackAddresses } from './stackState.js';
import {
  isServingLine,
  markDbFileCreated,
  prepareDbFile,
  temporalServerArgs,
  untilTemporalServes,
} from './temporalServer.js';

export function stackChildren(plan: StackPlan): ChildSpec[] {
  const servers = [
    ...(plan.outside.temporal ? [] : [temporalChild(plan)]),
    ...(plan.outside.ledger ? [] : [ledgerChild(plan)]),
    ...(plan.outside.model ? [] : [modelChild(plan)]),
  ];
  const after = servers.map((spec) => spec.name);
  return plan.worker ? [...servers, workerChild(plan, after)] : servers;
}

/** Where the stack's own servers are, from what they said when they were ready. */
export function addressesOf(plan: StackPlan, ready: ReadyChildren): StackAddresses {
  return {
    ...(ready['temporal'] && { temporal: temporalAddress(plan), temporalUi: temporalUiAddress(plan) }),
    ...(ready['ledger']?.url && { ledger: ready['ledger'].url }),
    ...(ready['model']?.url && { model: ready['model'].url }),
    ...(typeof ready['worker']?.['metrics'] === 'string' && { metrics: ready['worker']['metrics'] }),
  };
}

function temporalChild(plan: StackPlan): ChildSpec {
  const dbFile = join(stackDir(plan.dir), 'temporal.db');
  const { env, onProgress, namespace, ports } = plan;
  return {
    name: 'temporal',
    after: [],
    async command(_ready, signal) {
      const binary = await findTemporal({ env, signal, ...(onProgress && { onProgress }) });
      prepareDbFile(dbFile);
      const [port, uiPort] = [ports.get('temporal'), ports.get('temporalUi')];
      const args = temporalServerArgs({ dbFile, port, uiPort, namespace });
      return { file: binary.path, args, env: withoutTemporalSettings(env), cwd: plan.dir };
    },
    readLine: (line) => (isServingLine(line) ? { url: temporalAddress(plan) } : undefined),
    async probe(_facts, signal) {
      await untilTemporalServes(temporalAddress(plan), namespace, signal);
      markDbFileCreated(dbFile);
    },
    readyTimeoutMs: 60_000,
    graceMs: 10_000,
    startAttempts: 3,
    async beforeRetry() {
      await ports.renew('temporal');
      await ports.renew('temporalUi');
    },
  };
}

function ledgerChild(plan: StackPlan): ChildSpec {
  return {
    name: 'ledger',
    after: [],
    command: () => {
      const dataDir = join(stackDir(plan.dir), 'ledger');
      const options = { 'data-dir': dataDir, 'template-dir': userCacheDir(plan.env), port: plan.ports.get('ledger') };
      const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
      return nodeCommand(plan, [...entryPoint('ledger/pgliteServer'), ...args]);
    },
    readLine: readJsonLine,
    readyTimeoutMs: 120_000,
    graceMs: 10_000,
    startAttempts: 3,
    beforeRetry: () => plan.ports.renew('ledger'),
  };
}

function modelChild(plan: StackPlan): ChildSpec {
  return {
    name: 'model',
    after: [],
    command: () => {
      const chaos = chaosFileOf(plan);
      const options = [
        '--port',
        String(plan.ports.get('model')),
        ...(chaos === undefined ? [] : ['--chaos-file', chaos]),
      ];
      return nodeCommand(plan, [...entryPoint('workers/offlineModel/main'), ...options]);
    },
    readLine: readJsonLine,
    readyTimeoutMs: 60_000,
    graceMs: 3_000,
    startAttempts: 3,
    beforeRetry: () => plan.ports.renew('model'),
  };
}

function workerChild(plan: StackPlan, after: readonly string[]): ChildSpec {
  return {
    name: 'worker',
    after,
    command() {
      const config = plan.configPath === undefined ? [] : ['--config', plan.configPath];
      const env = plan.outside.temporal ? plan.env : withoutTemporalSettings(plan.env);
      return nodeCommand(plan, [...entryPoint('workers/main'), ...config, '--await-connections'], env);
    },
    connections(ready) {
      const { ledger, model } = addressesOf(plan, ready);
      const chaos = chaosFileOf(plan);
      return {
        ...(!plan.outside.temporal && embeddedTemporal(plan)),
        ...(ledger && { DATABASE_URL: ledger }),
        ...(model && { SEGNO_OFFLINE_MODEL_URL: model }),
        ...(plan.metrics && { SEGNO_METRICS_PORT: String(plan.ports.get('metrics')) }),
        ...(chaos !== undefined && { [chaosFileVariable]: chaos }),
      };
    },
    readLine: readJsonLine,
    readyTimeoutMs: 120_000,
    graceMs: 15_000,
    // A worker that does not start has a message for the user: a second attempt would only delay it.
    startAttempts: 1,
  };
}

function nodeCommand(plan: StackPlan, args: string[], env: NodeJS.ProcessEnv = plan.env): ChildCommand {
  return { file: process.execPath, args, env, cwd: plan.dir };
}

/** TLS, API keys and profiles are meant for a server elsewhere; the embedded one takes none of them. */
function withoutTemporalSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

function embeddedTemporal(plan: StackPlan): NodeJS.ProcessEnv {
  return {
    TEMPORAL_ADDRESS: temporalAddress(plan),
    TEMPORAL_NAMESPACE: plan.namespace,
    // A file that is not there is fine, and keeps the user's default profile out.
    TEMPORAL_CONFIG_FILE: join(stackDir(plan.dir), 'no-temporal-profiles.toml'),
  };
}

const temporalAddress = (plan: StackPlan): string => `127.0.0.1:${plan.ports.get('temporal')}`;
const temporalUiAddress = (plan: StackPlan): string => `http://127.0.0.1:${plan.ports.get('temporalUi')}`;
