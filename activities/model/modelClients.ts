import OpenAI from 'openai';
import {
  type ModelConfig,
  offlineModelName,
  offlineProvider,
  type ResolvedConfig,
  usesProviders,
} from '../../core/config.js';
import { SegnoError } from '../../core/errors.js';
import { boundedFetch } from './boundedFetch.js';

/** A model alias, ready to be called. */
export interface CallableModel {
  alias: string;
  provider: string;
  config: ModelConfig;
  client: OpenAI;
  /** To keep them out of messages: the API key and the values of configured headers. */
  secrets: readonly string[];
  maxTokensField: 'max_completion_tokens' | 'max_tokens';
}

/** What is shorter stands in any text. */
const shortestSecret = 4;

export const defaultMaxOutputTokens = 4_096;
export const defaultCallTimeoutMs = 300_000;

/** The aliases of a config as clients; the keys come from the environment and stay in the clients. */
export class ModelClients {
  private readonly clients = new Map<string, Pick<CallableModel, 'client' | 'secrets'>>();

  constructor(
    private readonly config: Pick<ResolvedConfig, 'models' | 'providers'>,
    private readonly env: NodeJS.ProcessEnv = process.env,
  ) {}

  /** @throws SegnoError `Model.Unknown` */
  resolve(alias: string): CallableModel {
    const config = this.modelConfig(alias);
    const provider = this.config.providers[config.provider];
    return {
      alias,
      provider: config.provider,
      config,
      ...this.client(config.provider),
      maxTokensField: provider?.maxTokensField ?? 'max_completion_tokens',
    };
  }

  private modelConfig(alias: string): ModelConfig {
    const { models } = this.config;
    const config = Object.hasOwn(models, alias) ? models[alias] : undefined;
    if (config) return config;
    if (!usesProviders(models)) return { provider: offlineProvider, model: offlineModelName };
    throw new SegnoError(
      'Model.Unknown',
      `no model alias is named ${alias}; there are: ${Object.keys(models).join(', ')}`,
    );
  }

  private client(provider: string): Pick<CallableModel, 'client' | 'secrets'> {
    const known = this.clients.get(provider);
    if (known) return known;
    const { baseURL, apiKeyEnv, headers } = this.settings(provider);
    const apiKey = apiKeyEnv === undefined ? undefined : this.env[apiKeyEnv];
    if (apiKeyEnv !== undefined && !apiKey) {
      throw new SegnoError(
        'Model.Unauthorized',
        `providers.${provider}: the environment variable ${apiKeyEnv} is not set`,
      );
    }
    // Every setting the client would otherwise take from OPENAI_* variables is given, so that no key goes to another provider.
    const client = new OpenAI({
      apiKey: apiKey ?? 'none',
      baseURL: baseURL ?? 'https://api.openai.com/v1',
      organization: null,
      project: null,
      maxRetries: 0,
      timeout: defaultCallTimeoutMs * 10,
      fetch: boundedFetch,
      // Its log would carry what providers send, keys they echo included.
      logLevel: 'off',
      ...(headers && { defaultHeaders: headers }),
    });
    const secrets = [apiKey, ...Object.values(headers ?? {})].filter(
      (value): value is string => value !== undefined && value.length >= shortestSecret,
    );
    const entry = { client, secrets };
    this.clients.set(provider, entry);
    return entry;
  }

  private settings(provider: string): { baseURL?: string; apiKeyEnv?: string; headers?: Record<string, string> } {
    const configured = this.config.providers[provider];
    if (configured) {
      const { baseURL, apiKeyEnv, headers } = configured;
      return { ...(baseURL && { baseURL }), ...(apiKeyEnv && { apiKeyEnv }), ...(headers && { headers }) };
    }
    const url = this.env['SEGNO_OFFLINE_MODEL_URL'];
    if (!url) {
      throw new SegnoError(
        'Model.Unreachable',
        'no provider is configured and SEGNO_OFFLINE_MODEL_URL is not set: start `segno dev`, or `segno offline-model`',
      );
    }
    return { baseURL: url };
  }
}
