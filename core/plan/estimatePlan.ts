import type { Plan, PlanAction } from './plan.js';
import { planLimits } from './plan.js';

/** What a plan may take. */
export interface PlanEstimate {
  /** Model calls at most, all turns, rounds, items and retries counted; child workflows and quality of answers aside. */
  modelCalls: number;
  /** USD if every call happens, writes as much as it may and reads what {@link AgentCost} assumes; absent without prices. */
  costUsd?: number;
}

export interface AgentCost {
  /** Model calls of one call of the agent at most. */
  modelCalls: number;
  /** USD of one model call; undefined when its model has no price. */
  usdPerModelCall: number | undefined;
}

const defaultRounds = 3;
const defaultHedges = 2;
/** Turns of a handoff, rounds of a mesh. */
const defaultTurns = 12;
/** A reply that hands the task to nobody goes back twice. */
const triesOfTurn = 3;
const defaultDebateRounds = 2;

/** @param costOf an agent of the plan */
export function estimatePlan({ steps }: Plan, costOf: (agent: string) => AgentCost): PlanEstimate {
  const parts = steps.map((step) => {
    const tries = times(step.retry?.attempts ?? 1, ofAction(step, costOf));
    return step.fallback ? sum([tries, ofAction(step.fallback, costOf)]) : tries;
  });
  return sum(parts);
}

/** What the bounds of whoever asked for the plan say against it. */
export function estimateFaults(
  { steps }: Plan,
  { costUsd }: PlanEstimate,
  { maxSteps, maxCostUsd }: { maxSteps?: number; maxCostUsd?: number },
): string[] {
  const tooMany = maxSteps !== undefined && steps.length > maxSteps;
  return [
    ...(tooMany ? [`steps: there are ${steps.length}; at most ${maxSteps} are allowed`] : []),
    ...(maxCostUsd !== undefined && costUsd === undefined
      ? ['(root): what it may cost is not known: a model of its agents has no price in the config']
      : []),
    ...(maxCostUsd !== undefined && costUsd !== undefined && costUsd > maxCostUsd
      ? [`(root): it may cost ${costUsd.toFixed(4)} USD; at most ${maxCostUsd} USD are allowed`]
      : []),
  ];
}

function ofAction(action: PlanAction, costOf: (agent: string) => AgentCost): PlanEstimate {
  const of = (inner: PlanAction): PlanEstimate => ofAction(inner, costOf);
  const { agent, sequence, map, refine, supervise, repeatUntil, route, decide, hedge, withTimeout } = action;
  const { handoff, mesh, debate } = action;
  const sideBySide = action.parallel ?? action.race ?? action.withFallback ?? decide?.ensemble?.voters;
  if (agent !== undefined) {
    const { modelCalls, usdPerModelCall } = costOf(agent);
    return { modelCalls, ...(usdPerModelCall !== undefined && { costUsd: modelCalls * usdPerModelCall }) };
  }
  if (sideBySide) return sum(Object.values(sideBySide).map(of));
  if (sequence) return sum(sequence.map(of));
  if (map) return times(Array.isArray(map.over) ? map.over.length : (map.maxItems ?? planLimits.items), of(map.do));
  if (refine) return times(refine.maxRounds ?? defaultRounds, sum([of(refine.write), of(refine.review)]));
  if (supervise) {
    const { work, review, maxRounds = defaultRounds, escalate } = supervise;
    const levels = Object.values(escalate);
    const reviews = times(maxRounds + levels.length - 1, of(review));
    return sum([times(maxRounds, of(work)), reviews, ...levels.map(of)]);
  }
  if (repeatUntil) return times(repeatUntil.maxRounds, of(repeatUntil.do));
  if (route) {
    const ways = [...Object.values(route.routes), route.fallback].map(of);
    return sum([...(route.classify ? [of(route.classify)] : []), most(ways)]);
  }
  if (hedge) return times(hedge.attempts ?? defaultHedges, of(hedge.do));
  if (withTimeout) return of(withTimeout.do);
  if (handoff) {
    const turns = Object.values(handoff.peers).map(({ turn }) => of(turn));
    return times((handoff.maxTurns ?? defaultTurns) * triesOfTurn, most(turns));
  }
  if (mesh) {
    return times(mesh.maxRounds ?? defaultTurns, sum(Object.values(mesh.peers).map(({ turn }) => of(turn))));
  }
  if (debate) {
    const speeches = sum(Object.values(debate.sides).map(({ speak }) => of(speak)));
    return sum([times(debate.rounds ?? defaultDebateRounds, speeches), of(debate.judge)]);
  }
  return { modelCalls: 0, costUsd: 0 };
}

function sum(parts: readonly PlanEstimate[]): PlanEstimate {
  const modelCalls = parts.reduce((total, part) => total + part.modelCalls, 0);
  if (parts.some(({ costUsd }) => costUsd === undefined)) return { modelCalls };
  return { modelCalls, costUsd: parts.reduce((total, { costUsd = 0 }) => total + costUsd, 0) };
}

/** Of ways of which one is taken. */
function most(ways: readonly PlanEstimate[]): PlanEstimate {
  const modelCalls = Math.max(...ways.map((way) => way.modelCalls));
  if (ways.some(({ costUsd }) => costUsd === undefined)) return { modelCalls };
  return { modelCalls, costUsd: Math.max(...ways.map(({ costUsd = 0 }) => costUsd)) };
}

function times(factor: number, { modelCalls, costUsd }: PlanEstimate): PlanEstimate {
  return { modelCalls: modelCalls * factor, ...(costUsd !== undefined && { costUsd: costUsd * factor }) };
}
