/**
 * Where Temporal, the ledger and the model are for this project: what the environment names comes first, a running
 * stack of the folder second, each for itself.
 *
 * Temporal's own environment configuration is honoured whole (address, namespace, TLS, API key, profiles in
 * temporal.toml): https://docs.temporal.io/develop/environment-configuration
 */
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { SegnoError } from '../../core/errors.js';
import { readStack } from './stackState.js';

export type Origin = 'environment' | 'stack';
export type TemporalConnectionOptions = ClientConnectConfig['connectionOptions'];

export interface Connections {
  readonly temporal?: {
    readonly origin: Origin;
    /** host:port, for people. */
    readonly address: string;
    readonly namespace: string;
    /** As both Temporal's client and its worker take them. */
    readonly connectionOptions: TemporalConnectionOptions;
  };
  readonly ledger?: { readonly origin: Origin; readonly url: string };
  readonly model?: { readonly origin: Origin; readonly url: string };
}

export interface ResolveOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly dir: string;
}

/** @throws SegnoError `Config.Invalid` when Temporal's environment configuration cannot be read */
export function resolveConnections({ env, dir }: ResolveOptions): Connections {
  const outside = outsideConnections(env);
  const stack = readStack(dir);
  if (!stack) return outside;
  const { temporal, ledger, model } = stack.addresses;
  return {
    ...(temporal && {
      temporal: {
        origin: 'stack' as const,
        address: temporal,
        namespace: stack.namespace,
        connectionOptions: { address: temporal },
      },
    }),
    ...(ledger && { ledger: { origin: 'stack' as const, url: ledger } }),
    ...(model && { model: { origin: 'stack' as const, url: model } }),
    ...outside,
  };
}

/** What the environment alone names. */
export function outsideConnections(env: NodeJS.ProcessEnv): Connections {
  const { connectionOptions, namespace } = temporalEnvironment(env);
  const { address } = connectionOptions;
  const databaseUrl = env['DATABASE_URL'];
  const modelUrl = env['SEGNO_OFFLINE_MODEL_URL'];
  return {
    ...(address && {
      temporal: { origin: 'environment' as const, address, namespace: namespace ?? 'default', connectionOptions },
    }),
    ...(databaseUrl && { ledger: { origin: 'environment' as const, url: databaseUrl } }),
    ...(modelUrl && { model: { origin: 'environment' as const, url: modelUrl } }),
  };
}

/** The namespace the environment asks for, wherever the server is. */
export function namespaceOf(env: NodeJS.ProcessEnv): string {
  return temporalEnvironment(env).namespace ?? 'default';
}

function temporalEnvironment(env: NodeJS.ProcessEnv): ClientConnectConfig {
  const overrideEnvVars: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) overrideEnvVars[name] = value;
  try {
    return loadClientConnectConfig({ overrideEnvVars });
  } catch (error) {
    // The first line only, and no cause: a TOML error goes on to quote the file, API key and all.
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    throw new SegnoError('Config.Invalid', `Temporal's environment configuration cannot be used: ${reason}`);
  }
}
