import { z } from 'zod';
import { breakerSchema, limitsSchema, type WindowBudget, windowBudgetSchema } from './admission/settings.js';
import { type AgentDefinition, isAgent } from './defineAgent.js';
import { isTool } from './defineTool.js';
import { SegnoError } from './errors.js';
import { type Guardrails, guardrailsSchema } from './guardrails.js';
import { modelCallLimitMs } from './limits.js';
import { maxPriceDecimals } from './money.js';
import { describeIssues } from './schema.js';
import type { ToolDefinition } from './tool.js';

const name = z.string().regex(/^[A-Za-z][\w.-]{0,63}$/, 'a name of letters, digits, _ . -, at most 64');
const definitions = z.union([z.record(z.string(), z.unknown()), z.array(z.record(z.string(), z.unknown()))]);

const usdPerMillionTokens = z
  .number()
  .nonnegative()
  .refine((price) => Number(price.toFixed(maxPriceDecimals)) === price, `at most ${maxPriceDecimals} decimals`);

/** USD per million tokens. Segno ships no prices: these are the user's own figures. */
const priceSchema = z.strictObject({
  input: usdPerMillionTokens,
  output: usdPerMillionTokens,
  /** Input the provider served from its prompt cache. Default: the `input` price. */
  cachedInput: usdPerMillionTokens.optional(),
});

/** Why a call may go to a model's fallback. */
const fallbackReasons = ['outage', 'rateLimit', 'budget', 'content'] as const;
export type FallbackReason = (typeof fallbackReasons)[number];
const fallbackSchema = z
  .union([name, z.strictObject({ to: name, on: z.array(z.enum(fallbackReasons)).min(1) })])
  .transform((fallback) => (typeof fallback === 'string' ? { to: fallback, on: defaultFallbackReasons } : fallback));
const defaultFallbackReasons: FallbackReason[] = ['outage', 'rateLimit'];

const modelSchema = z.strictObject({
  provider: name,
  /** The model's name at the provider. */
  model: z.string().min(1),
  price: priceSchema.optional(),
  /** Output tokens of one call. Default 4,096. */
  maxOutputTokens: z.number().int().positive().optional(),
  /**
   * What counts the input of a call before it is sent: `o200k_base`, the encoding of OpenAI's models since gpt-4o, or `bytes`, which holds
   * for every model. Default: the encoding for those models at OpenAI itself, else bytes.
   */
  tokenizer: z.enum(['o200k_base', 'bytes']).optional(),
  /** Limit of one call, all of its stream included. Default 300,000, at most 900,000. */
  timeoutMs: z.number().int().positive().max(modelCallLimitMs).optional(),
  /**
   * The alias that answers instead: on an `outage` (errors, timeouts, an open breaker), a `rateLimit` of the provider, a `budget` that
   * cannot pay this model, or `content` it refuses. A name alone means outage and rateLimit.
   */
  fallback: fallbackSchema.optional(),
  /** Of this model at its provider, beside the provider's own. */
  limits: limitsSchema.optional(),
});

const providerSchema = z.strictObject({
  baseURL: z.url({ protocol: /^https?$/ }).optional(),
  /** The environment variable that holds the key; the key itself never stands in a file. */
  apiKeyEnv: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'the name of an environment variable')
    .optional(),
  headers: z.record(z.string(), z.string()).optional(),
  /** The request field that limits output: `max_completion_tokens` (OpenAI, default) or the older `max_tokens`. */
  maxTokensField: z.enum(['max_completion_tokens', 'max_tokens']).optional(),
  /** Of all calls to this provider, from all workers together. */
  limits: limitsSchema.optional(),
  /** Of each of its models. `false` switches it off. */
  breaker: z.union([z.literal(false), breakerSchema]).optional(),
});

const tenantSchema = z.strictObject({ limits: limitsSchema.optional(), budget: windowBudgetSchema.optional() });

const metricsSchema = z.strictObject({
  port: z.number().int().min(1).max(65_535),
  /** Also to other machines, for which there is no login. Default: to this one alone. */
  expose: z.boolean().default(false),
});

const configSchema = z.strictObject({
  /** Modules whose exports are agents: `import * as agents from './agents.js'`. Other exports are passed over. */
  agents: definitions.default({}),
  tools: definitions.default({}),
  /** Workflow modules, as paths relative to the config file. */
  workflows: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  /** Plans by name, as paths relative to the config file: `segno run NAME`. */
  plans: z.record(name, z.string().min(1)).default({}),
  /** Model aliases. With no provider configured, every alias is served by the offline model. */
  models: z.record(name, modelSchema).default({}),
  providers: z.record(name, providerSchema).default({}),
  /** Budgets by name, for the agents that name them. */
  budgets: z.record(name, windowBudgetSchema).default({}),
  /** Limits and budgets by tenant; `*` stands for those that are not named. */
  tenants: z.record(z.union([name, z.literal('*')]), tenantSchema).default({}),
  /** Where a worker process serves Prometheus metrics, under `/metrics`. Default: nowhere. */
  metrics: metricsSchema.optional(),
  /** Rules for all agents and all tools, before their own. */
  guardrails: z
    .strictObject({ agents: guardrailsSchema.default({}), tools: guardrailsSchema.default({}) })
    .prefault({}),
  /** Temporal task queue. Default `segno`. */
  taskQueue: z.string().min(1).max(200).default('segno'),
});

/** What a user writes in segno.config.ts. */
export type Config = z.input<typeof configSchema>;
export type ModelConfig = z.output<typeof modelSchema>;
export type ProviderConfig = z.output<typeof providerSchema>;
export type MetricsConfig = z.output<typeof metricsSchema>;
export type TenantConfig = z.output<typeof tenantSchema>;

export interface ResolvedConfig {
  agents: ReadonlyMap<string, AgentDefinition>;
  tools: ReadonlyMap<string, ToolDefinition>;
  workflows: readonly string[];
  plans: Readonly<Record<string, string>>;
  models: Readonly<Record<string, ModelConfig>>;
  providers: Readonly<Record<string, ProviderConfig>>;
  budgets: Readonly<Record<string, WindowBudget>>;
  tenants: Readonly<Record<string, TenantConfig>>;
  metrics: MetricsConfig | undefined;
  guardrails: Readonly<Record<'agents' | 'tools', Guardrails>>;
  taskQueue: string;
}

/** The provider that stands in where none is configured. */
export const offlineProvider = 'offline';
export const offlineModelName = 'segno-offline';
/** The names it answers to; both follow the same rules, so that a fallback has somewhere to go. */
export const offlineModelNames = [offlineModelName, `${offlineModelName}-small`] as const;

/** Types the config; what it holds is checked when a worker or the CLI loads it. */
export function defineConfig(config: Config): Config {
  return config;
}

/**
 * Check a config and bring it into one shape.
 *
 * @throws SegnoError `Config.Invalid`, with the path of every fault
 */
export function resolveConfig(config: unknown): ResolvedConfig {
  const parsed = configSchema.safeParse(config);
  if (!parsed.success) throw new SegnoError('Config.Invalid', `segno.config.ts:\n${describeIssues(parsed.error)}`);
  const { budgets, guardrails, metrics, models, plans, providers, taskQueue, tenants, workflows } = parsed.data;
  const agents = collect('agent', parsed.data.agents, isAgent);
  const tools = collect('tool', parsed.data.tools, isTool);
  const faults = [
    ...[...agents].flatMap(([agent, { tools: wanted = [] }]) =>
      wanted
        .filter((tool) => !tools.has(tool))
        .map((tool) => `agents.${agent}.tools: no tool is named ${tool}; there are: ${listNames(tools.keys())}`),
    ),
    ...Object.entries(models)
      .filter(([, { provider }]) => provider !== offlineProvider && !Object.hasOwn(providers, provider))
      .map(
        ([alias, { provider }]) =>
          `models.${alias}.provider: no provider is named ${provider}; there are: ${listNames(Object.keys(providers))}`,
      ),
    ...Object.keys(models).flatMap((alias) => fallbackFaults(models, alias)),
    ...[...agents].flatMap(([agent, { budget }]) =>
      budget === undefined || Object.hasOwn(budgets, budget)
        ? []
        : [`agents.${agent}.budget: no budget is named ${budget}; there are: ${listNames(Object.keys(budgets))}`],
    ),
    ...(usesProviders(models)
      ? [...agents]
          .map(([agent, { model = 'default' }]) => ({ agent, model }))
          .filter(({ model }) => !Object.hasOwn(models, model))
          .map(
            ({ agent, model }) =>
              `agents.${agent}.model: no model alias is named ${model}; there are: ${listNames(Object.keys(models))}`,
          )
      : []),
  ];
  if (faults.length > 0) throw new SegnoError('Config.Invalid', `segno.config.ts:\n${faults.join('\n')}`);
  const named = { plans, models, providers, budgets, tenants, guardrails };
  return { agents, tools, workflows: [workflows].flat(), ...named, metrics, taskQueue };
}

/** Whether any alias names a real provider; if none does, the offline model answers for all. */
export function usesProviders(models: ResolvedConfig['models']): boolean {
  return Object.values(models).some(({ provider }) => provider !== offlineProvider);
}

function fallbackFaults(models: ResolvedConfig['models'], alias: string): string[] {
  const chain = [alias];
  for (let next = models[alias]?.fallback?.to; next !== undefined; next = models[next]?.fallback?.to) {
    if (!Object.hasOwn(models, next)) {
      return chain.length > 1
        ? []
        : [`models.${alias}.fallback: no model alias is named ${next}; there are: ${listNames(Object.keys(models))}`];
    }
    if (chain.includes(next))
      return [`models.${alias}.fallback: it comes back to ${next}: ${[...chain, next].join(' → ')}`];
    chain.push(next);
  }
  return [];
}

function collect<T>(
  what: string,
  modules: z.output<typeof definitions>,
  is: (value: unknown) => value is T,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const module of [modules].flat()) {
    for (const [exportName, value] of Object.entries(module)) {
      if (!is(value)) continue;
      if (found.has(exportName) && found.get(exportName) !== value) {
        throw new SegnoError(
          'Config.Invalid',
          `segno.config.ts: two modules export an ${what} named ${exportName}; rename one.`,
        );
      }
      found.set(exportName, value);
    }
  }
  return found;
}

function listNames(names: Iterable<string>): string {
  return [...names].sort().join(', ') || 'none';
}
