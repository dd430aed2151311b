import type { ResolvedConfig } from '../core/config.js';
import type { CatalogueNames, CheckPlanRequest, CheckPlanResult } from '../core/contracts.js';
import { costPicoUsd, picoToUsd } from '../core/money.js';
import { type PlanCatalogue, planCatalogue, withinNames } from '../core/plan/catalogue.js';
import { describeCatalogue } from '../core/plan/describeCatalogue.js';
import { type AgentCost, estimateFaults, estimatePlan } from '../core/plan/estimatePlan.js';
import { invalidPlan, parsePlan } from '../core/plan/readPlan.js';
import type { ActivityDependencies } from './dependencies.js';
import { defaultMaxOutputTokens } from './model/modelClients.js';
import { defaultMaxRepairs, defaultMaxTurns } from './model/readTurn.js';

type Known = Pick<ActivityDependencies, 'config' | 'workflows'>;

/**
 * A plan against what this worker has. Pure: it may run any number of times, and the answer that stands in history is the one
 * that counts.
 */
export function createCheckPlan({ config, workflows }: Known) {
  let catalogue: PlanCatalogue | undefined;
  return async (request: CheckPlanRequest): Promise<CheckPlanResult> => {
    catalogue ??= planCatalogue({ ...config, workflows });
    const plan = parsePlan(request.plan, withinNames(catalogue, request.within ?? {}));
    const steps = plan.steps.filter(({ id }) => !request.done?.includes(id));
    const estimate = estimatePlan({ ...plan, steps }, (agent) => costOf(config, agent));
    const faults = estimateFaults(plan, estimate, request);
    if (faults.length > 0) throw invalidPlan(faults);
    return Promise.resolve({ plan, estimate });
  };
}

export function createDescribeCatalogue({ config, workflows }: Known) {
  return (names: CatalogueNames): Promise<string> =>
    Promise.resolve(describeCatalogue(config, planCatalogue({ ...config, workflows }), names));
}

/** What a model call is taken to read beside its instructions: its input, tool results and schemas. */
const assumedInputTokens = 4_000;
const charactersPerToken = 4;

function costOf({ agents, models }: ResolvedConfig, name: string): AgentCost {
  const agent = agents.get(name);
  const { maxTurns = defaultMaxTurns, maxRepairs = defaultMaxRepairs, tools = [], instructions = '' } = agent ?? {};
  const modelCalls = tools.length > 0 ? maxTurns : Math.min(maxTurns, 1 + maxRepairs);
  const model = models[agent?.model ?? 'default'];
  if (!model?.price) return { modelCalls, usdPerModelCall: undefined };
  const inputTokens = assumedInputTokens + Math.ceil(String(instructions).length / charactersPerToken);
  const outputTokens = agent?.maxOutputTokens ?? model.maxOutputTokens ?? defaultMaxOutputTokens;
  return { modelCalls, usdPerModelCall: picoToUsd(costPicoUsd({ inputTokens, outputTokens }, model.price)) };
}
