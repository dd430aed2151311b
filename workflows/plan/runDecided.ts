/** The actions of a plan that conditions in CEL decide about: `route` and `repeatUntil`. */
import { compileCel, type CompiledCel } from '../../core/cel.js';
import type { PlanRepeat, PlanRoute } from '../../core/plan/plan.js';
import { type DocumentPath, formatPath } from '../../core/plan/references.js';
import type { Classification } from '../../core/route.js';
import type { Duration } from '../deadline.js';
import { fail } from '../failure.js';
import { repeatUntil } from '../patterns/repeatUntil.js';
import { routeBy, type Unrouted } from '../patterns/route.js';
import type { PlanVariables } from './resolve.js';
import type { RunAction } from './runReviewed.js';

export function runRepeat(
  plan: PlanRepeat,
  variables: PlanVariables,
  at: DocumentPath,
  run: RunAction,
): Promise<unknown> {
  const { do: body, maxRounds, delay, backoff, maxDelay, timeout, onFailure } = plan;
  const place = [...at, 'until'];
  const condition = conditionOf(plan, [...Object.keys(variables), 'output', 'round'], place);
  return repeatUntil<unknown>(
    (round, previous) => run(body, { ...variables, round, previous: previous ?? null }, [...at, 'do']),
    {
      until: (output, round) => {
        const outcome = condition.evaluate({ ...variables, output, round });
        if ('fault' in outcome) throw fail('Plan.MissingValue', `${formatPath(place)}: ${outcome.fault}`);
        return outcome.value === true;
      },
      maxRounds,
      ...(delay !== undefined && { delay: delay as Duration }),
      ...(backoff !== undefined && { backoff }),
      ...(maxDelay !== undefined && { maxDelay: maxDelay as Duration }),
      ...(timeout !== undefined && { timeout: timeout as Duration }),
      ...(onFailure !== undefined && { onFailure }),
    },
  );
}

/** A repetition in a map is compiled once, not for each element. */
const compiled = new WeakMap<PlanRepeat, CompiledCel>();

function conditionOf(plan: PlanRepeat, variables: readonly string[], place: DocumentPath): CompiledCel {
  const known = compiled.get(plan) ?? compileCel(plan.until, { variables, result: 'bool' });
  if ('faults' in known) throw fail('Plan.Invalid', `${formatPath(place)}: ${known.faults.join('; ')}`);
  compiled.set(plan, known);
  return known;
}

export function runRoute(
  { rules, classify, minConfidence, routes, fallback, onFailure }: PlanRoute,
  variables: PlanVariables,
  at: DocumentPath,
  run: RunAction,
): Promise<unknown> {
  const named = Object.entries(routes).map(
    ([name, action]) => [name, () => run(action, variables, [...at, 'routes', name])] as const,
  );
  return routeBy(variables, undefined, {
    ...(rules && { rules }),
    ...(classify && {
      classify: async () => asClassification(await run(classify, variables, [...at, 'classify']), at),
    }),
    ...(minConfidence !== undefined && { minConfidence }),
    routes: Object.fromEntries(named),
    fallback: (_, why) => run(fallback, { ...variables, unclear: said(why) }, [...at, 'fallback']),
    ...(onFailure !== undefined && { onFailure }),
  });
}

function said({ reason, label, confidence }: Unrouted): unknown {
  return { reason, label: label ?? null, confidence: confidence ?? null };
}

function asClassification(output: unknown, at: DocumentPath): Classification {
  const { label, confidence } = (output ?? {}) as Partial<Classification>;
  if (typeof label !== 'string' || typeof confidence !== 'number')
    throw fail('Plan.MissingValue', `${formatPath([...at, 'classify'])} gave no { label, confidence }`);
  return { label, confidence };
}
