/** Puts together what the gate is asked for one model call. */
import type { ModelConfig, ResolvedConfig } from '../config.js';
import { SegnoError } from '../errors.js';
import type { AdmissionRequest, BudgetDemand, Candidate, GateDemand } from './admission.js';
import { breakerSchema, budgetLimits, calendarWindow, gateDemand, type KeyedBudget } from './settings.js';

/** A model that may answer, as the config names it, with the most the call can use there. */
export interface CandidateModel {
  readonly alias: string;
  readonly provider: string;
  readonly config: ModelConfig;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costPicoUsd: bigint;
}

export interface AdmissionInput {
  readonly config: Pick<ResolvedConfig, 'providers' | 'budgets' | 'tenants'>;
  readonly tenant: string;
  /** 1 (first) to 5. */
  readonly priority: number;
  /** Of the run and of the calls around this one. */
  readonly budgets: readonly KeyedBudget[];
  /** The budget the agent names. */
  readonly namedBudget: string | undefined;
  /** In order of preference. */
  readonly models: readonly CandidateModel[];
  readonly nowMs: number;
  /** The cost of a call with so many output tokens. */
  readonly costOf: (model: CandidateModel, outputTokens: number) => bigint;
}

/** Output tokens a degraded call is given, as a share of the usual. */
const degradedShares = [0.5, 0.25];
const defaultWarnAt = [0.8];
/** As of any approval. */
const defaultAnswerWithinMs = 7 * 24 * 3_600_000;

/** @throws SegnoError `Budget.Unpriced` when money is limited, by a budget or a minute, and a model has no price */
export function buildAdmission(input: AdmissionInput): AdmissionRequest {
  const budgets = [...input.budgets, ...standingBudgets(input)];
  if (budgets.some(({ usd }) => usd !== undefined)) input.models.forEach((model) => failUnlessPriced(model, 'budget'));
  const degrade = budgets.some(({ onExceeded }) => onExceeded === 'degrade');
  const gates = new Map<string, GateDemand>();
  const candidates = input.models.map((model, index): Candidate => {
    const keys = gatesOf(input, model).map((gate) => {
      gates.set(gate.key, gate);
      if ((gate.costPicoUsdPerMinute ?? gate.breaker?.costPicoUsd) !== undefined) failUnlessPriced(model, 'limit');
      return gate.key;
    });
    const on = model.config.fallback?.on ?? [];
    return {
      alias: model.alias,
      provider: model.provider,
      model: model.config.model,
      inputTokens: model.inputTokens,
      outputTokens: model.outputTokens,
      costPicoUsd: model.costPicoUsd,
      gates: keys,
      skipOn:
        index === input.models.length - 1 && !degrade
          ? []
          : (['outage', 'rateLimit', 'budget'] as const).filter(
              (reason) => on.includes(reason) || (reason === 'budget' && degrade),
            ),
    };
  });
  return {
    priority: input.priority,
    budgets: budgets.map(demandOf),
    gates: [...gates.values()],
    candidates: degrade ? [...candidates, ...degraded(input, candidates)] : candidates,
  };
}

function standingBudgets({ config, tenant, namedBudget, nowMs }: AdmissionInput): KeyedBudget[] {
  const found: KeyedBudget[] = [];
  const named = namedBudget === undefined ? undefined : config.budgets[namedBudget];
  if (named) {
    const { per, ...amounts } = named;
    found.push({ ...amounts, key: `named/${namedBudget}/${calendarWindow(per, nowMs)}` });
  }
  const own = tenantConfig(config, tenant)?.budget;
  if (own) {
    const { per, ...amounts } = own;
    found.push({ ...amounts, key: `tenant/${tenant}/${calendarWindow(per, nowMs)}` });
  }
  return found;
}

function gatesOf(
  { config, tenant }: AdmissionInput,
  { provider, config: { model, limits } }: CandidateModel,
): GateDemand[] {
  const settings = config.providers[provider];
  const breaker = settings?.breaker === false ? undefined : (settings?.breaker ?? breakerSchema.parse({}));
  const gates = [gateDemand(`model/${provider}/${model}`, limits, breaker)];
  if (settings?.limits) gates.push(gateDemand(`provider/${provider}`, settings.limits));
  const tenantLimits = tenantConfig(config, tenant)?.limits;
  if (tenantLimits) gates.push(gateDemand(`tenant/${tenant}`, tenantLimits));
  return gates;
}

function tenantConfig(
  { tenants }: Pick<ResolvedConfig, 'tenants'>,
  tenant: string,
): ResolvedConfig['tenants'][string] | undefined {
  return Object.hasOwn(tenants, tenant) ? tenants[tenant] : tenants['*'];
}

function demandOf(budget: KeyedBudget): BudgetDemand {
  return {
    key: budget.key,
    limits: budgetLimits(budget),
    ...(budget.wallMs !== undefined && { wallMs: budget.wallMs }),
    warnAt: budget.warnAt ?? defaultWarnAt,
    ...(budget.onExceeded === 'ask' && { answerWithinMs: budget.answerWithinMs ?? defaultAnswerWithinMs }),
  };
}

/** Each model once more with fewer output tokens, the cheapest last. */
function degraded(input: AdmissionInput, candidates: readonly Candidate[]): Candidate[] {
  const smaller = degradedShares.flatMap((share) =>
    candidates.map((candidate, index): Candidate => {
      const outputTokens = Math.max(1, Math.floor(candidate.outputTokens * share));
      return { ...candidate, outputTokens, costPicoUsd: input.costOf(input.models[index]!, outputTokens) };
    }),
  );
  return smaller.map((candidate, index) => (index === smaller.length - 1 ? { ...candidate, skipOn: [] } : candidate));
}

function failUnlessPriced({ alias, config }: CandidateModel, what: 'budget' | 'limit'): void {
  if (config.provider === 'offline' || config.price) return;
  throw new SegnoError(
    'Budget.Unpriced',
    `a ${what} in USD cannot be kept: models.${alias} has no price in segno.config.ts`,
  );
}
